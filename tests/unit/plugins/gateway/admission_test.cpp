// What a route must fulfil, with the sentences that clients know, before anything is touched.
#include "tests/support/fake_host.hpp"

#include <trellis/services/net.hpp>

#include <gtest/gtest.h>

namespace trellis::plugins::gateway {
namespace {

constexpr char const* kName = "gateway-name-proxy";
constexpr char const* kFqdn = "gateway-fqdn-proxy";

class Admission : public ::testing::Test {
 protected:
  Admission() {
    node_.ipv4 = "185.206.122.31/24";
    node_.ipv6 = "2001:db8::31/64";
    node_.domain = "gw.example";
    host_.FakeService(services::kNetPublic, [this](auto, auto) -> Result<std::string> {
      std::optional<services::NodePublicConfig> config;
      if (has_config_) config = node_;
      return json::Dump(services::PublicConfigInfo{config, ""});
    });
    host_.FakeService(services::kNetNamespace, [](auto, auto) -> Result<std::string> {
      return Fail(Code::kNotFound, "no such network");
    });
    Hold("app", R"({"contract_id":5,"twin_id":7,"type":"name","state":"created"})");
  }
  void Hold(std::string const& name, std::string owner) {
    host_.SetNameOwner(name, std::move(owner));
  }
  void Load(std::string const& config = R"({"verify_dns":false})") {
    auto const loaded = host_.Load(trellis::testing::FakeHost::BuiltPlugin("gateway"), config);
    ASSERT_TRUE(loaded) << loaded.error().message;
  }
  /// "" when the workload may come.
  std::string Verdict(char const* type, std::string const& data) {
    trellis::testing::CallOptions options;
    options.twin_id = 7;
    auto const answer = host_.Precheck(type, "7-100-gw1", PrecheckOp::kProvision, data, options);
    if (answer.ok()) return "";
    transient_ = answer.status == TRL_UNAVAILABLE;
    return answer.error;
  }
  std::string OfName(std::string const& name = "app") {
    return Verdict(kName, fmt::format(R"({{"name":"{}","backends":["http://10.0.0.1"]}})", name));
  }
  std::string OfDomain(std::string const& fqdn) {
    return Verdict(kFqdn, fmt::format(R"({{"fqdn":"{}","backends":["http://10.0.0.1"]}})", fqdn));
  }
  std::string OfBackend(std::string const& backend, std::string const& network = "") {
    return Verdict(kFqdn, fmt::format(R"({{"fqdn":"a.example.org","tls_passthrough":true,)"
                                      R"("backends":["{}"],"network":"{}"}})",
                                      backend, network));
  }
  services::NodePublicConfig node_;
  bool has_config_ = true;
  bool transient_ = false;
  trellis::testing::FakeHost host_;
};

TEST_F(Admission, NeedsAPublicConfigurationBeforeAllElse) {
  has_config_ = false;
  Load();

  EXPECT_EQ(OfName("of-nobody"), "gateway is not supported on this node: no public configuration");
  EXPECT_EQ(OfDomain("a.example.org"),
            "gateway is not supported on this node: no public configuration");
}

TEST_F(Admission, NeedsADomainForNamesOnly) {
  node_.domain = "";
  Load();

  EXPECT_EQ(OfName("of-nobody"), "node doesn't support name proxy (doesn't have a domain)");
  EXPECT_EQ(OfDomain("a.example.org"), "");
}

TEST_F(Admission, NeedsALiveNameContractOfTheTwin) {
  Load();
  std::string const prefix = "failed to verify name contract: ";
  Hold("other", R"({"contract_id":5,"twin_id":8,"type":"name","state":"created"})");
  Hold("gone", R"({"contract_id":5,"twin_id":7,"type":"name","state":"deleted"})");
  Hold("node", R"({"contract_id":5,"twin_id":7,"type":"node","state":"created"})");
  Hold("grace", R"({"contract_id":5,"twin_id":7,"type":"name","state":"grace_period"})");

  EXPECT_EQ(OfName("app"), "");
  EXPECT_EQ(OfName("grace"), "");
  EXPECT_EQ(OfName("other"), prefix + "twin id mismatch");
  EXPECT_EQ(OfName("gone"), prefix + "the name contract must be in Created or GracePeriod state");
  for (auto const* const missing : {"of-nobody", "node"})
    EXPECT_EQ(OfName(missing),
              prefix + "a name contract with the given name must be reserved first");
}

TEST_F(Admission, WaitsForALedgerThatIsAway) {
  Load();
  host_.SetNameOwner("app", Fail(Code::kUnavailable, "the ledger is away"));

  EXPECT_EQ(OfName(), "failed to verify name contract: the ledger is away");
  EXPECT_TRUE(transient_);
}

TEST_F(Admission, KeepsTheNodesOwnDomainForNames) {
  Load();
  std::string const refused =
      "can't create a fqdn workload with a subdomain of the gateway's managed domain";

  EXPECT_EQ(OfDomain("gw.example"), refused);
  EXPECT_EQ(OfDomain("a.GW.example"), refused);
  EXPECT_EQ(OfDomain("notgw.example"), "");
}

TEST_F(Admission, RefusesDomainsThatDnsCannotHold) {
  Load();
  auto const label = std::string(63, 'a');
  auto const name = std::string(64, 'b');
  Hold(name, R"({"contract_id":5,"twin_id":7,"type":"name","state":"created"})");

  EXPECT_EQ(OfDomain(label + ".org"), "");
  EXPECT_EQ(OfDomain(name + ".org"), fmt::format("domain '{}.org' is too long", name));
  EXPECT_EQ(OfName(name), fmt::format("domain '{}.gw.example' is too long", name));
  auto const longest = fmt::format("{0}.{0}.{0}.{0}", label);
  EXPECT_EQ(OfDomain(longest), fmt::format("domain '{}' is too long", longest));
}

TEST_F(Admission, RefusesBackendsThatLeadBackToTheNode) {
  Load();
  for (auto const* const own : {"185.206.122.31:80", "[2001:db8::31]:80"})
    EXPECT_EQ(OfBackend(own),
              fmt::format("backend {} points to the node's own public IP address", own));
  for (auto const* const bad :
       {"127.0.0.1:8080", "127.64.0.2:1000", "[::1]:8080", "[::ffff:127.0.0.1]:80", "0.0.0.0:80",
        "[::]:80", "224.0.0.1:80", "[ff02::1]:80", "169.254.1.1:80", "[fe80::1]:80",
        "255.255.255.255:80"})
    EXPECT_EQ(OfBackend(bad), fmt::format("backend {} is not allowed", bad));
  EXPECT_EQ(OfBackend("10.1.2.3:80"), "");
}

TEST_F(Admission, AllowsLoopbackForTestsButNotWhatTheNodeListensOn) {
  Load(R"({"verify_dns":false,"allow_loopback_backends":true})");

  EXPECT_EQ(OfBackend("127.0.0.1:8080"), "");
  for (auto const* const bad : {"127.0.0.1:443", "127.0.0.1:80", "127.64.0.2:1000", "0.0.0.0:8080"})
    EXPECT_EQ(OfBackend(bad), fmt::format("backend {} is not allowed", bad));
}

TEST_F(Admission, NeedsTheNetworkOfTheTwin) {
  Load();

  EXPECT_EQ(OfBackend("10.1.2.3:80", "net"), "failed to get user network: network 'net' not found");
  EXPECT_EQ(OfBackend("127.0.0.1:80", "net"), "backend 127.0.0.1:80 is not allowed");
}

TEST_F(Admission, BoundsTheBackendsAndCountsEachOnce) {
  Load();
  std::vector<std::string> backends;
  for (int i = 0; i < 17; ++i)
    backends.push_back(fmt::format("http://10.0.0.{}", i + 1));
  auto const verdict = [&] {
    return Verdict(
        kFqdn, fmt::format(R"({{"fqdn":"a.example.org","backends":{}}})", json::Dump(backends)));
  };

  EXPECT_EQ(verdict(), "too many backends");
  backends[16] = "http://10.0.0.1:80/path";
  EXPECT_EQ(verdict(), "");
}

TEST_F(Admission, CannotTellWithoutANameServer) {
  Load(R"({"resolver":"127.0.0.1:1"})");

  EXPECT_EQ(OfDomain("a.example.org"),
            "failed to verify domain dns record: the name server refuses questions");
  EXPECT_TRUE(transient_);
}

}  // namespace
}  // namespace trellis::plugins::gateway
