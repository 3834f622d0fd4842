// Which backend gets a request, and which route a domain.
#include "tests/integration/gateway/lab.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include <set>

namespace trellis::plugins::gateway {
namespace {

class Backends : public GatewayLab {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(GatewayLab::SetUp());
    Load();
  }
  /// `<body>|<status>` of many requests, each over a connection of its own.
  [[nodiscard]] std::vector<std::string> Many(std::string const& url, std::size_t count) const {
    std::vector<std::string> argv{"--header", "Connection: close", "--write-out", "|%{http_code} "};
    argv.insert(argv.end(), count - 1, url);
    auto const text = Get(url, argv);
    std::vector<std::string> answers;
    for (std::size_t begin = 0, end = text.find(' '); end != std::string::npos;
         begin = end + 1, end = text.find(' ', begin)) {
      // A body has a space of its own.
      if (text.find('|', begin) > end) end = text.find(' ', end + 1);
      answers.push_back(text.substr(begin, end - begin));
    }
    return answers;
  }
};

TEST_F(Backends, OfThreeEachGetsItsShare) {
  Reserve("app");
  std::vector<std::string> const urls{Serve("one"), Serve("two"), Serve("three")};
  ASSERT_TRUE(host_->Provision(kNameType, "7-100-gw1", NameData("app", urls), Options()).ok());

  std::map<std::string, int> seen;
  for (auto const& answer : Many("https://app.gw.example.com/", 200))
    ++seen[answer];

  // A third each: these bounds are more than five deviations away.
  for (auto const* const text : {"one|200", "two|200", "three|200"}) {
    EXPECT_GE(seen[text], 30) << text;
    EXPECT_LE(seen[text], 110) << text;
  }
}

// A second for each: the proxy tries once more, in case the backend is just being restarted.
TEST_F(Backends, ThatAreDeadAreToldOf) {
  Reserve("app");
  std::vector<std::string> const urls{Serve("alive"), "http://10.50.0.1:1"};
  ASSERT_TRUE(host_->Provision(kNameType, "7-100-gw1", NameData("app", urls), Options()).ok());

  auto const answers = Many("https://app.gw.example.com/", 24);

  EXPECT_EQ(answers.size(), 24U);
  EXPECT_EQ(std::set<std::string>(answers.begin(), answers.end()),
            (std::set<std::string>{"alive|200", "Bad Gateway|502"}));
}

TEST_F(Backends, AreThoseOfTheRouteAfterAChange) {
  Reserve("app");
  auto const provision = [&](std::vector<std::string> const& urls) {
    auto const made = host_->Provision(kNameType, "7-100-gw1", NameData("app", urls), Options());
    EXPECT_EQ(made.status, TRL_OK) << made.error;
  };
  auto const one = Serve("one");
  auto const two = Serve("two");
  provision({one});
  EXPECT_EQ(Get("https://app.gw.example.com/"), "one|200");

  provision({two});
  EXPECT_EQ(Get("https://app.gw.example.com/"), "two|200");

  provision({one, two});
  auto const answers = Many("https://app.gw.example.com/", 60);
  EXPECT_EQ(std::set<std::string>(answers.begin(), answers.end()),
            (std::set<std::string>{"one|200", "two|200"}));

  provision({one});
  EXPECT_EQ(Get("https://app.gw.example.com/"), "one|200");
  EXPECT_EQ(Admin("show map " + ProxyDir() + "/servers.map").find("7-100"), std::string::npos);
}

TEST_F(Backends, AreFoundByAHostWithAPort) {
  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", Serve("hello")).ok());

  EXPECT_EQ(Get("https://app.gw.example.com/", {"--header", "Host: App.gw.example.com:8443"}),
            "hello|200");
  EXPECT_THAT(last_request(), ::testing::HasSubstr("host: App.gw.example.com:8443\r\n"));
}

TEST_F(Backends, BelongToTheFirstRouteOfADomain) {
  auto const mine = FqdnData("App.example.org", {Serve("mine")});
  ASSERT_TRUE(host_->Provision(kFqdnType, "7-100-gw1", mine, Options()).ok());
  auto const other = FqdnData("app.example.org", {Serve("other")});

  auto const second = host_->Provision(kFqdnType, "7-200-gw2", other, Options());

  EXPECT_FALSE(second.ok());
  EXPECT_EQ(second.error, "domain already registered: app.example.org");
  EXPECT_EQ(host_->Provision(kFqdnType, "7-100-gw1", mine, Options()).status, TRL_NO_ACTION);
  EXPECT_EQ(Get("https://app.example.org/"), "mine|200");
}

TEST_F(Backends, ArePausedOverADeathOfTheProxy) {
  auto const url = Serve("hello");
  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", url).ok());
  auto const passed = FqdnData("pass.example.org", {"10.50.0.1:9443"}, /*passthrough=*/true);
  ASSERT_TRUE(host_->Provision(kFqdnType, "7-100-pass", passed, Options()).ok());
  ASSERT_TRUE(host_->Pause(kNameType, "7-100-gw1", NameData("app", {url}), Options()).ok());
  ASSERT_TRUE(host_->Pause(kFqdnType, "7-100-pass", passed, Options()).ok());
  auto const pid = ProxyPid();
  ASSERT_EQ(::kill(pid, SIGKILL), 0);

  EXPECT_TRUE(Eventually(
      [&] { return ProxyPid() != pid && Get("https://app.gw.example.com/") == "paused|503"; }));
  // Closed after the hello, not answered by anybody: no TLS connection.
  EXPECT_THAT(Get("https://pass.example.org/"), ::testing::HasSubstr("failed with status 35"));
}

}  // namespace
}  // namespace trellis::plugins::gateway
