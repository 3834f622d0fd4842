// The ip plugin against a network plugin that answers as the test says.
#include "tests/support/fake_host.hpp"

#include <trellis/services/net.hpp>

#include <gtest/gtest.h>

namespace trellis::plugins::ip {
namespace {

using trellis::testing::CallOptions;
using trellis::testing::FakeHost;

constexpr char const* kV4 = R"({"v4":true})";
constexpr char const* kV6 = R"({"v6":true})";
constexpr char const* kId = "7-100-ip1";

class PublicIpProvision : public ::testing::Test {
 protected:
  PublicIpProvision() {
    host_.FakeService(services::kNetPublic,
                      [this](auto method, auto request) { return Serve(method, request); });
    auto const loaded = host_.Load(FakeHost::BuiltPlugin("ip"));
    EXPECT_TRUE(loaded) << loaded.error().message;
    ContractView contract;
    contract.public_ips = {{"203.0.113.5/24", "203.0.113.1"}};
    host_.SetContract(contract);
  }

  Result<std::string> Serve(std::string_view method, std::string_view request) {
    if (method == "support") return json::Dump(support_);
    if (method == "filter_mac") return std::string(R"({"mac":"32:ae:4f:41:9c:4a"})");
    if (method == "prefix6") {
      if (prefix_.net.empty()) return Fail(Code::kNotFound, "no public ipv6 found");
      return json::Dump(prefix_);
    }
    if (method == "filter_get" && !lease_) return Fail(Code::kNotFound, "no public filter");
    if (method == "filter_get") return json::Dump(services::PublicFilterInfo{*lease_, "", 0});
    if (method == "filter_remove") lease_.reset();
    if (method != "filter_set") return std::string("null");
    auto const wanted = json::Parse<services::PublicFilter>(request).value();
    bool const changed = lease_ != wanted;
    lease_ = wanted;
    return json::Dump(services::PublicFilterSet{changed});
  }

  services::PublicSupport support_{true, true};
  services::PublicPrefix prefix_{IpNet::Parse("2001:db8:10:20::7/64").value(),
                                 IpAddress::Parse("fe80::1").value()};
  std::optional<services::PublicFilter> lease_;
  FakeHost host_;
};

TEST_F(PublicIpProvision, V6AloneHasNoIpv4InItsResult) {
  auto const done = host_.Provision("ip", kId, kV6);

  EXPECT_EQ(done.result, R"({"ip":"","ip6":"2001:db8:10:20:30ae:4fff:fe41:9c4a/64","gateway":""})");
  EXPECT_EQ(lease_->gateway6.ToString(), "fe80::1");
}

TEST_F(PublicIpProvision, ErrorsAreWhatClientsKnow) {
  prefix_ = {};
  EXPECT_EQ(host_.Provision("ip", kId, kV6).error,
            "could not look up ipv6 prefix: no public ipv6 found");
  EXPECT_FALSE(lease_.has_value());
  support_ = {};
  for (auto const& refused :
       {host_.Provision("ip", kId, kV4), host_.Precheck("ip", kId, PrecheckOp::kProvision, kV4)}) {
    EXPECT_EQ(refused.status, TRL_UNSUPPORTED);
    EXPECT_EQ(refused.error, "public ips are not supported on this node");
  }
}

TEST_F(PublicIpProvision, ReplayTakesTheStoredAddressWithoutAsking) {
  CallOptions options;
  options.result = R"({"ip":"203.0.113.9/24","ip6":"","gateway":"203.0.113.1"})";
  EXPECT_EQ(host_.Provision("ip", kId, kV4, options).error,
            "public ip 203.0.113.9 is no longer reserved by the contract");

  options.flags = TRL_CALL_REPLAY;
  auto const replayed = host_.Provision("ip", kId, kV4, options);

  EXPECT_EQ(replayed.result, options.result) << replayed.error;
  EXPECT_EQ(lease_->ipv4.ToString(), "203.0.113.9/24");
}

TEST_F(PublicIpProvision, AddressStaysWhenTheRouterIsSilent) {
  auto const first = host_.Provision("ip", kId, kV6);
  CallOptions options;
  options.result = first.result;
  prefix_ = {};

  auto const again = host_.Provision("ip", kId, kV6, options);

  EXPECT_EQ(again.status, TRL_NO_ACTION) << again.error;
  EXPECT_EQ(again.result, first.result);
  EXPECT_EQ(lease_->gateway6.ToString(), "fe80::1");
}

TEST_F(PublicIpProvision, PausedFromTheStartAndLater) {
  CallOptions options;
  options.paused = true;
  ASSERT_TRUE(host_.Provision("ip", kId, kV4, options).ok());
  EXPECT_TRUE(lease_->paused);

  ASSERT_TRUE(host_.Resume("ip", kId, kV4).ok());

  EXPECT_FALSE(lease_->paused);
  EXPECT_EQ(lease_->ipv4.ToString(), "203.0.113.5/24");
}

TEST_F(PublicIpProvision, OtherAddressesThanTheResultAreDrift) {
  ASSERT_TRUE(host_.Provision("ip", kId, kV4).ok());
  CallOptions options;
  options.result = R"({"ip":"203.0.113.9/24","ip6":"","gateway":"203.0.113.1"})";

  EXPECT_EQ(host_.Inspect("ip", kId, kV4, options)->state, Observed::State::kDrifted);
}

}  // namespace
}  // namespace trellis::plugins::ip
