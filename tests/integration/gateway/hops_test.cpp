// How many hops a terminated connection has: one, or two while something passes through.
#include "plugins/common/posix/tool.hpp"
#include "tests/integration/gateway/lab.hpp"
#include "tests/integration/gateway/tls_talk.hpp"
#include "tests/support/patience.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include <thread>

namespace trellis::plugins::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Hops : public GatewayLab {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(GatewayLab::SetUp());
    Load();
    url_ = Serve("hello");
    ASSERT_TRUE(ProvisionName("7-100-gw1", "app", url_).ok());
  }
  void PassThrough() {
    auto const data = FqdnData("pass.example.org", {"10.50.0.1:9443"}, /*passthrough=*/true);
    auto const made = host_->Provision(kFqdnType, "7-100-pass", data, Options());
    ASSERT_EQ(made.status, TRL_OK) << made.error;
  }
  void PassNothing() {
    ASSERT_TRUE(host_->Deprovision(kFqdnType, "7-100-pass", "{}", Options()).ok());
  }
  [[nodiscard]] bool Listens(std::string const& frontend) const {
    return Admin("show stat " + frontend + " 1 -1").find("OPEN") != std::string::npos;
  }
  [[nodiscard]] std::string Answer() const { return Get("https://app.gw.example.com/"); }
  std::string url_;
};

TEST_F(Hops, AreOneUntilSomethingPassesThrough) {
  EXPECT_TRUE(Listens("direct"));
  EXPECT_FALSE(Listens("tls443"));

  PassThrough();
  EXPECT_FALSE(Listens("direct"));
  EXPECT_TRUE(Listens("tls443"));
  EXPECT_EQ(Answer(), "hello|200");

  PassNothing();
  EXPECT_TRUE(Listens("direct"));
  EXPECT_FALSE(Listens("tls443"));
  EXPECT_EQ(Answer(), "hello|200");
}

TEST_F(Hops, ChangeWithoutLosingAConnection) {
  TlsTalk open("app.gw.example.com");
  ASSERT_TRUE(open.Hears("hello"));
  auto const pid = ProxyPid();
  std::vector<std::string> urls(150, "https://app.gw.example.com/");
  urls.insert(urls.begin(), {"--header", "Connection: close", "--write-out", "%{http_code} "});
  std::string codes;
  std::atomic<bool> done = false;
  std::thread clients([&] {
    codes = Get("https://app.gw.example.com/", urls);
    done = true;
  });

  int changes = 0;
  for (; changes < 4 || !done; ++changes) {
    PassThrough();
    PassNothing();
  }
  clients.join();

  EXPECT_EQ(codes.find("000"), std::string::npos) << codes;
  EXPECT_GE(codes.size(), urls.size());
  EXPECT_EQ(ProxyPid(), pid);
  EXPECT_TRUE(open.Hears("hello"));
}

TEST_F(Hops, AnswerForANameThatPassesThroughOverAnOldConnection) {
  TlsTalk open("pass.example.org");
  ASSERT_TRUE(open.Hears("404 page not found"));

  PassThrough();

  EXPECT_TRUE(open.Hears("misdirected request"));
}

TEST_F(Hops, StayTwoOverADeathOfTheProxy) {
  PassThrough();
  auto const pid = ProxyPid();
  ASSERT_EQ(::kill(pid, SIGKILL), 0);

  ASSERT_TRUE(Eventually([&] { return ProxyPid() != pid && Answer() == "hello|200"; }));

  EXPECT_TRUE(Listens("tls443"));
  EXPECT_THAT(Admin("show stat"), Not(HasSubstr("direct")));
  PassNothing();
  EXPECT_EQ(Answer(), "hello|200");
}

TEST_F(Hops, ArePutRightAfterSomebodyStoppedThem) {
  for (auto const* const frontend : {"http80", "https", "direct"})
    Admin(std::string("disable frontend ") + frontend);

  host_->RunTasks();

  for (auto const* const frontend : {"http80", "https", "direct"})
    EXPECT_TRUE(Listens(frontend)) << frontend;
  EXPECT_EQ(Answer(), "hello|200");
}

}  // namespace
}  // namespace trellis::plugins::gateway
