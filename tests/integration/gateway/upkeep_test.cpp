// The proxy dies, is changed by hand, outlives the plugin.
#include "tests/integration/gateway/lab.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>

namespace trellis::plugins::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Upkeep : public GatewayLab {
 protected:
  void SetUp() override {
    GatewayLab::SetUp();
    Load();
    url_ = Serve("hello");
    auto const made = ProvisionName("7-100-gw1", "app", url_);
    ASSERT_TRUE(made.ok()) << made.error;
  }
  [[nodiscard]] bool Answers() const { return Get("https://app.gw.example.com/") == "hello|200"; }
  Observed::State Look() {
    auto const seen = host_->Inspect(kNameType, "7-100-gw1", NameData("app", {url_}), Options());
    return seen ? seen->state : Observed::State::kUnknown;
  }
  std::string url_;
};

TEST_F(Upkeep, RoutesAgainAfterTheProxyWasKilled) {
  auto const pid = ProxyPid();
  ASSERT_EQ(::kill(pid, SIGKILL), 0);

  EXPECT_TRUE(Eventually([&] { return ProxyPid() != pid && Answers(); }));
  EXPECT_EQ(Look(), Observed::State::kRunning);
}

TEST_F(Upkeep, AddsRoutesWhileTheProxyIsComingBack) {
  ASSERT_EQ(::kill(ProxyPid(), SIGKILL), 0);

  auto const made = ProvisionName("7-100-gw2", "more", url_);

  EXPECT_EQ(made.status, TRL_OK) << made.error;
  EXPECT_EQ(Get("https://more.gw.example.com/"), "hello|200");
  EXPECT_TRUE(Answers());
}

TEST_F(Upkeep, ReplacesAProxyThatHangs) {
  auto const pid = ProxyPid();
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);

  host_->RunTasks();

  EXPECT_NE(ProxyPid(), pid);
  EXPECT_TRUE(Answers());
}

TEST_F(Upkeep, PutsEntriesRightThatSomebodyChanged) {
  auto const routes = ProxyDir() + "/routes.map";
  Admin("del map " + routes + " app.gw.example.com");
  Admin("add map " + routes + " foreign.example.com t|9-9-x|1");
  ASSERT_EQ(Look(), Observed::State::kDrifted);

  host_->RunTasks();

  EXPECT_EQ(Look(), Observed::State::kRunning);
  EXPECT_TRUE(Answers());
  EXPECT_THAT(Admin("show map " + routes), Not(HasSubstr("foreign")));
}

TEST_F(Upkeep, PutsDamagedFilesRightBeforeTheyAreNeeded) {
  std::ofstream(ProxyDir() + "/haproxy.cfg") << "nonsense\n";
  std::ofstream(ProxyDir() + "/routes.map") << "nonsense\n";
  std::filesystem::remove(ProxyDir() + "/crt-list.txt");

  host_->RunTasks();
  auto const pid = ProxyPid();
  ASSERT_EQ(::kill(pid, SIGKILL), 0);

  EXPECT_TRUE(Eventually([&] { return ProxyPid() != pid && Answers(); }));
}

TEST_F(Upkeep, FindsItsRoutesAfterARestartOfThePlugin) {
  auto const pid = ProxyPid();
  ASSERT_TRUE(host_->Unload("gateway"));
  EXPECT_TRUE(Answers());
  Admin("del map " + ProxyDir() + "/routes.map app.gw.example.com");

  Load();

  EXPECT_EQ(ProxyPid(), pid);
  EXPECT_TRUE(Answers());
  EXPECT_EQ(ProvisionName("7-100-gw1", "app", url_).status, TRL_NO_ACTION);
}

TEST_F(Upkeep, AsksNeitherLedgerNorNameServerForWhatItAnsweredBefore) {
  host_->SetNameOwner("app", Fail(Code::kUnavailable, "the ledger is away"));
  auto options = Options();
  options.flags = TRL_CALL_REPLAY;
  options.result = R"({"fqdn":"app.gw.example.com"})";

  auto const again = host_->Provision(kNameType, "7-100-gw1", NameData("app", {url_}), options);

  EXPECT_EQ(again.status, TRL_NO_ACTION) << again.error;
}

TEST_F(Upkeep, ReportsARouteWhoseNameWasCancelled) {
  host_->SetNameOwner("app", Fail(Code::kUnavailable, "the ledger is away"));
  host_->Publish("ledger.name_canceled", R"({"contract_id":5})");
  EXPECT_TRUE(host_->Reports().empty());

  host_->SetNameOwner("app", Fail(Code::kNotFound, "no such name"));
  host_->Publish("ledger.name_canceled", R"({"contract_id":5})");

  ASSERT_EQ(host_->Reports().size(), 1U);
  EXPECT_EQ(host_->Reports()[0].workload_id, "7-100-gw1");
  EXPECT_EQ(host_->Reports()[0].text,
            "failed to verify name contract: a name contract with the given name must be reserved "
            "first");
}

TEST_F(Upkeep, RemovesRoutesThatNobodyKnowsOfAfterARestart) {
  ASSERT_TRUE(ProvisionName("7-100-gw2", "other", url_).ok());

  ASSERT_TRUE(host_->Recovered(kNameType, {"7-100-gw1"}));

  EXPECT_EQ(Get("https://other.gw.example.com/"), "404 page not found|404");
  EXPECT_TRUE(Answers());
}

}  // namespace
}  // namespace trellis::plugins::gateway
