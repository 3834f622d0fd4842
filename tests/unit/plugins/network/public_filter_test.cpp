#include "plugins/network/public_filter.hpp"

#include <gmock/gmock.h>

namespace trellis::plugins::network {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

services::PublicFilter Filter(char const* ipv4, char const* ipv6, char const* gateway6 = "") {
  services::PublicFilter filter;
  filter.owner = "7-100-ip1";
  filter.mac = "32:ae:4f:41:9c:4a";
  filter.ipv4 = IpNet::Parse(ipv4).value();
  filter.ipv6 = IpNet::Parse(ipv6).value();
  filter.gateway6 = IpAddress::Parse(gateway6).value();
  return filter;
}

TEST(PublicFilter, NamesFollowFromTheIpWorkload) {
  EXPECT_EQ(PublicTap("7-100-ip1"), "p-3QN9nMJ1GfUdH");
  EXPECT_EQ(MacText(PublicMac("7-100-ip1")), "32:ae:4f:41:9c:4a");
}

TEST(PublicFilter, RulesFromTheMachineCoverAllFamilies) {
  EXPECT_EQ(RulesFromMachine(Filter("203.0.113.5/24", "2001:db8::5/64", "fe80::1")),
            "ether saddr != 32:ae:4f:41:9c:4a counter drop\n"
            "ether type arp arp saddr ether != 32:ae:4f:41:9c:4a counter drop\n"
            "ether type arp arp saddr ip 0.0.0.0 arp daddr ip 203.0.113.5 accept\n"
            "ether type arp arp saddr ip != 203.0.113.5 counter drop\n"
            "ether type arp accept\n"
            "ether type ip udp sport 67 counter drop\n"
            "ether type ip ip saddr != 203.0.113.5 counter drop\n"
            "ether type ip accept\n"
            "ether type ip6 icmpv6 type { nd-router-advert, nd-redirect } counter drop\n"
            "ether type ip6 udp sport 547 counter drop\n"
            "ether type ip6 icmpv6 type nd-neighbor-advert @th,64,10 != 0x3fa @th,64,128 != "
            "0x20010db8000000000000000000000005 counter drop\n"
            "ether type ip6 icmpv6 type nd-neighbor-advert @th,64,128 "
            "0xfe800000000000000000000000000001 counter drop\n"
            "ether type ip6 ip6 saddr fe80::1 counter drop\n"
            "ether type ip6 ip6 saddr { ::, fe80::/10, 2001:db8::5 } accept\n"
            "counter drop\n");
}

TEST(PublicFilter, FamilyWithoutAddressIsDropped) {
  auto const only6 = RulesFromMachine(Filter("", "2001:db8::5/64"));
  EXPECT_THAT(only6, HasSubstr("ether type { arp, ip } counter drop\n"));
  EXPECT_THAT(only6, Not(HasSubstr("arp saddr")));
  auto const only4 = RulesFromMachine(Filter("203.0.113.5/24", ""));
  EXPECT_THAT(only4, HasSubstr("ether type ip6 counter drop\n"));
  EXPECT_THAT(only4, Not(HasSubstr("icmpv6")));
}

TEST(PublicFilter, MachineIsReachedAtItsOwnAddressOnly) {
  EXPECT_EQ(RulesToMachine(Filter("203.0.113.5/24", "")),
            "ether type ip ether daddr 32:ae:4f:41:9c:4a ip daddr != 203.0.113.5 counter drop\n");
  EXPECT_EQ(RulesToMachine(Filter("", "2001:db8::5/64")),
            "ether type ip ether daddr 32:ae:4f:41:9c:4a counter drop\n");
}

}  // namespace
}  // namespace trellis::plugins::network
