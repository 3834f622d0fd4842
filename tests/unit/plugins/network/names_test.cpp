#include "plugins/network/names.hpp"

#include "plugins/network/links.hpp"
#include "plugins/network/server_namespace.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace trellis::plugins::network {
namespace {

IpAddress Ip(std::string_view text) {
  return IpAddress::Parse(text).value();
}

std::string Hex(MacAddress const& mac) {
  return fmt::format("{:02x}", fmt::join(mac, ""));
}

TEST(Names, HardwareAddressesFollowTheVectors) {
  std::vector<std::pair<std::string, std::string>> const vectors{
      {"", "d6:1d:8c:d9:8f:00"},
      {"\x42", "9e:5e:d6:78:fe:57"},
      {"a", "c2:75:b9:c0:f1:b6"},
      {"c", "0a:f0:9d:37:b7:37"},
      {"d", "76:e0:91:0d:75:01"},
      {"A34YUGenHKyhjDMAUKZe4cVDtJM2wQ4n4XRkfGUUEYdy", "8a:d3:36:10:7e:e9"},
      {"x1", "be:9a:c2:da:09:ee"},
      {"x29", "d6:d4:93:36:bf:b8"},
      {"x12", "ae:9a:ca:de:63:b5"},
      {"FNMSWHSp4YAHh", "82:17:b0:44:26:94"},
      {"3QN9nMJ1GfUdH", "32:ae:4f:41:9c:4a"},
      {"TXuEMetCqqcne", "3e:e9:84:3e:a9:06"}};
  for (auto const& [input, mac] : vectors)
    EXPECT_EQ(MacText(HardwareAddress(input)), mac) << input;
}

TEST(Names, DeviceNamesFollowTheVectors) {
  EXPECT_EQ(UniqueName("7-100-vm1", "net1"), "FNMSWHSp4YAHh");
  EXPECT_EQ(UniqueName("7-100-ip1", "pub"), "3QN9nMJ1GfUdH");
  EXPECT_EQ(UniqueName("11-22-vm", "mynet"), "TXuEMetCqqcne");
}

TEST(Names, NetworkNamesFitALink) {
  auto const id = NetId(7, "net1");
  EXPECT_EQ(id.size(), 13U);
  EXPECT_EQ(BridgeName(id).size(), 15U);
  EXPECT_NE(id, NetId(8, "net1"));
}

TEST(Names, PrivateV6FollowsTheVectors) {
  EXPECT_EQ(PrivateV6("22YkzQzi92nUL", Ip("10.20.2.5")).ToString(), "fd32:3259:6b7a:2::5");
  EXPECT_EQ(PrivateV6("22YkzQzi92nUL", Ip("10.20.16.254")).ToString(), "fd32:3259:6b7a:10::fe");
  EXPECT_EQ(PrivateV6("EkAuurbm4UH3J", Ip("10.1.2.1")).ToString(), "fd45:6b41:7575:2::1");
  EXPECT_EQ(PrivateV6("networkdID", Ip("100.127.2.16")).ToString(), "fd6e:6574:776f:2::10");
}

TEST(Names, TunnelAndRouterAddressesFollowTheVectors) {
  EXPECT_EQ(WireGuardAddress(Ip("10.3.1.0")).ToString(), "100.64.3.1");
  EXPECT_EQ(NdmzV6(Ip("100.127.0.3")).ToString(), "fd00::3");
  EXPECT_EQ(NdmzV6(Ip("100.127.1.1")).ToString(), "fd00::101");
  EXPECT_EQ(NdmzV6(Ip("100.127.255.254")).ToString(), "fd00::fffe");
}

TEST(Names, HardwareAddressesAreOfOneMachineAndStable) {
  for (int i = 0; i < 100000; ++i) {
    auto const text = fmt::format("any text {}", i);
    auto const mac = HardwareAddress(text);
    ASSERT_EQ(mac[0] & 1U, 0U) << text << " gives the address of a group";
    ASSERT_EQ(mac[0] & 2U, 2U) << text << " gives a vendor's address";
    ASSERT_EQ(mac, HardwareAddress(text));
  }
}

TEST(Names, SlaacFollowsTheVector) {
  MacAddress const mac{0x32, 0xae, 0x4f, 0x41, 0x9c, 0x4a};
  EXPECT_EQ(SlaacAddress(mac, IpNet::Parse("2001:db8:10:20::7/64").value()).ToString(),
            "2001:db8:10:20:30ae:4fff:fe41:9c4a/64");
}

TEST(Names, ServerNamespacesFollowFromTheirOwners) {
  auto const zdb = ServerNames::Of({"@zdb/a", "zdb"});
  ASSERT_TRUE(zdb);
  EXPECT_EQ(zdb->netns, "zdb-ns-" + Hex(HardwareAddress("pub:a")));
  EXPECT_EQ(zdb->lease, "zdb:a");
  EXPECT_EQ(zdb->host_end, zdb->netns.substr(15) + "-eth0");
  auto const qsfs = ServerNames::Of({"7-100-fs", "qsfs"});
  ASSERT_TRUE(qsfs);
  EXPECT_EQ(qsfs->netns, "qfs-ns-" + Hex(HardwareAddress("qsfs:7-100-fs")));
  EXPECT_EQ(qsfs->lease, "qsfs:7-100-fs");
}

TEST(Names, NamesThatALinkCannotHaveAreRefused) {
  auto links = Links::Open();
  ASSERT_TRUE(links);
  EXPECT_EQ(links->Find("b-12345678901234").error().message,
            "'b-12345678901234' cannot be the name of a link");
}

}  // namespace
}  // namespace trellis::plugins::network
