#include "plugins/ip/allocation.hpp"

#include <gtest/gtest.h>

namespace trellis::plugins::ip {
namespace {

ContractView Contract(std::vector<ContractPublicIp> ips) {
  ContractView contract;
  contract.public_ips = std::move(ips);
  return contract;
}

std::vector<Address4> TwoAddresses() {
  return Reserved(Contract({{"203.0.113.5/24", "203.0.113.1"}, {"203.0.113.6/24", "203.0.113.1"}}))
      .value();
}

WorkloadView Workload(std::string const& name, std::string const& data, std::string const& state,
                      std::string const& result = "null") {
  WorkloadView view;
  view.id = "7-100-" + name;
  view.name = name;
  view.type = "ip";
  view.data = json::Parse<json::Raw>(data).value();
  view.result.state = state;
  view.result.data = json::Parse<json::Raw>(result).value();
  return view;
}

IpAddress Ip(std::string_view text) {
  return IpAddress::Parse(text).value();
}

TEST(PublicIpChoice, TakesTheFirstThatNobodyUses) {
  auto const reserved = TwoAddresses();

  EXPECT_EQ(Choose(reserved, {2, {}}, {})->ip.ip, Ip("203.0.113.5"));
  EXPECT_EQ(Choose(reserved, {2, {Ip("203.0.113.5")}}, {})->ip.ip, Ip("203.0.113.6"));
  EXPECT_EQ(Choose(reserved, {2, {Ip("203.0.113.5"), Ip("203.0.113.6")}}, {}).error().message,
            "could not allocate public IP address to workload");
}

TEST(PublicIpChoice, NeedsAsManyReservedAsAskedFor) {
  auto const refused = Choose(TwoAddresses(), {3, {}}, {});

  EXPECT_EQ(refused.error().code, Code::kExhausted);
  EXPECT_EQ(refused.error().message, "required 3 ips while contract has 2 ip reserved");
}

TEST(PublicIpChoice, KeepsAnAddressWhileItIsReserved) {
  Siblings const crowd{3, {Ip("203.0.113.5")}};

  EXPECT_EQ(Choose(TwoAddresses(), crowd, IpNet::Parse("203.0.113.6/24").value())->ip.ip,
            Ip("203.0.113.6"));
  EXPECT_EQ(Choose(TwoAddresses(), crowd, IpNet::Parse("203.0.113.7/24").value()).error().message,
            "public ip 203.0.113.7 is no longer reserved by the contract");
}

TEST(PublicIpContract, MalformedEntriesAreNamed) {
  EXPECT_EQ(Reserved(Contract({{"203.0.113.05/24", "203.0.113.1"}})).error().message,
            "malformed ip address in contract '203.0.113.05/24'");
  EXPECT_EQ(Reserved(Contract({{"203.0.113.5", "203.0.113.1"}})).error().message,
            "malformed ip address in contract '203.0.113.5'");
  EXPECT_EQ(Reserved(Contract({{"2001:db8::1/64", "203.0.113.1"}})).error().message,
            "malformed ip address in contract '2001:db8::1/64'");
  EXPECT_EQ(Reserved(Contract({{"203.0.113.5/24", "router"}})).error().message,
            "malformed ip address in contract 'router'");
  EXPECT_EQ(Reserved(Contract({{"203.0.113.5/24", ""}})).error().message,
            "malformed ip address in contract ''");
}

TEST(PublicIpSiblings, OnlyThoseThatAreUpHoldAddresses) {
  std::vector<WorkloadView> const all = {
      Workload("ip1", R"({"v4":true})", "ok", R"({"ip":"203.0.113.5/24"})"),
      Workload("ip2", R"({"v4":true,"v6":true})", "paused", R"({"ip":"203.0.113.6/24"})"),
      Workload("ip3", R"({"v6":true})", "ok", R"({"ip6":"2001:db8::1/64"})"),
      Workload("ip4", R"({"v4":true})", "error", R"({"ip":"203.0.113.7/24"})"),
      Workload("ip5", R"({"v4":true})", "deleted", R"({"ip":"203.0.113.8/24"})"),
      Workload("ip6", R"({"v4":true})", "init")};

  auto const found = LookAtSiblings(all, "7-100-ip1");

  EXPECT_EQ(found.wanted, 4U);
  EXPECT_EQ(found.used, std::vector<IpAddress>{Ip("203.0.113.6")});
}

TEST(PublicIpSlaac, IsWhatTheMachineGivesItself) {
  EXPECT_EQ(Slaac(IpNet::Parse("2001:db8:10:20::7/64").value(), "32:ae:4f:41:9c:4a")->ToString(),
            "2001:db8:10:20:30ae:4fff:fe41:9c4a/64");
  EXPECT_FALSE(Slaac(IpNet::Parse("2001:db8:10:20::/56").value(), "32:ae:4f:41:9c:4a"));
  EXPECT_FALSE(Slaac(IpNet::Parse("10.0.0.0/64").value_or(IpNet{}), "32:ae:4f:41:9c:4a"));
  EXPECT_FALSE(Slaac(IpNet::Parse("2001:db8:10:20::/64").value(), "32:ae:4f:41:9c"));
  EXPECT_FALSE(Slaac(IpNet::Parse("2001:db8:10:20::/64").value(), "32:ae:4f:41:9c:zz"));
}

}  // namespace
}  // namespace trellis::plugins::ip
