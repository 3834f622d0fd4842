#include "plugins/network/checks.hpp"

#include <gtest/gtest.h>

namespace trellis::plugins::network {
namespace {

// A pair of RFC 7748, section 6.1, and the other party's public key.
constexpr char const* kSecret = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=";
constexpr char const* kPublic = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=";
constexpr char const* kOther = "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=";

Network Good() {
  Network data;
  data.ip_range = IpNet::Parse("10.1.0.0/16").value();
  data.subnet = IpNet::Parse("10.1.2.0/24").value();
  data.wireguard_private_key = kSecret;
  data.peers = {{IpNet::Parse("10.1.3.0/24").value(),
                 kOther,
                 {IpNet::Parse("10.1.3.0/24").value()},
                 "[2001:db8::1]:51820"}};
  return data;
}

std::string Fault(Network const& data, std::string_view name = "net") {
  auto const done = CheckNetwork(name, data, {});
  return done ? "" : done.error().message;
}

TEST(Checks, AcceptsAGoodNetwork) {
  EXPECT_EQ(Fault(Good()), "");
}

TEST(Checks, RefusesReservedNames) {
  EXPECT_EQ(Fault(Good(), "ygg"), "'ygg' is reserved network name");
}

TEST(Checks, RefusesPublicRangesUnlessAllowed) {
  auto data = Good();
  data.ip_range = IpNet::Parse("55.1.0.0/16").value();
  data.subnet = IpNet::Parse("55.1.2.0/24").value();
  EXPECT_EQ(Fault(data), "network range '55.1.0.0/16' must be a private ipv4 /16");
  EXPECT_TRUE(CheckNetwork("net", data, {IpNet::Parse("55.0.0.0/8").value()}));
}

TEST(Checks, RefusesASubnetOutsideTheRange) {
  auto data = Good();
  data.subnet = IpNet::Parse("10.2.2.0/24").value();
  EXPECT_EQ(Fault(data), "subnet '10.2.2.0/24' must be an ipv4 /24 inside '10.1.0.0/16'");
}

TEST(Checks, NeverTellsTheSecret) {
  auto data = Good();
  data.wireguard_private_key = "dwdtCnMY";
  EXPECT_EQ(Fault(data), "invalid wireguard private key");
}

TEST(Checks, RefusesOurOwnKeyAsPeer) {
  auto data = Good();
  data.peers[0].wireguard_public_key = kPublic;
  EXPECT_EQ(Fault(data), "peer 0: public key is the network's own key");
}

TEST(Checks, RefusesTheSamePeerTwice) {
  auto data = Good();
  data.peers.push_back(data.peers[0]);
  EXPECT_EQ(Fault(data), "peer 1: public key of another peer");
}

TEST(Checks, RefusesEndpointsThatAreNotAddresses) {
  for (auto const* endpoint : {"example.org:51820", "1.2.3.4", "1.2.3.4:0", "1.2.3.4:70000",
                               "2001:db8::1:51820", "[1.2.3.4]:51820", ":51820"}) {
    auto data = Good();
    data.peers[0].endpoint = endpoint;
    EXPECT_NE(Fault(data), "") << endpoint;
  }
  auto data = Good();
  data.peers[0].endpoint = "1.2.3.4:51820";
  EXPECT_EQ(Fault(data), "");
}

TEST(Checks, RefusesFixedAndUsedPorts) {
  EXPECT_FALSE(CheckPort(443, {}));
  EXPECT_FALSE(CheckPort(2000, {2000}));
  EXPECT_TRUE(CheckPort(2001, {2000}));
  EXPECT_TRUE(CheckPort(0, {2000}));
}

TEST(Checks, AcceptsWhatClientsReallySend) {
  auto data = Good();
  data.peers[0].subnet = data.subnet;  // of a hidden node
  data.peers[0].endpoint = "";
  data.peers[0].allowed_ips.push_back(IpNet::Parse("0.0.0.0/0").value());
  EXPECT_EQ(Fault(data), "");
}

TEST(Checks, RefusesKeysOfAnotherLength) {
  auto data = Good();
  data.peers[0].wireguard_public_key = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTg==";  // 31 bytes
  EXPECT_EQ(Fault(data), "peer 0: invalid wireguard public key");
  data = Good();
  data.wireguard_private_key = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LA==";
  EXPECT_EQ(Fault(data), "invalid wireguard private key");
}

TEST(Checks, RefusesAnEmptyAllowedRange) {
  auto data = Good();
  data.peers[0].allowed_ips.emplace_back();
  EXPECT_EQ(Fault(data), "peer 0: empty allowed ip");
}

}  // namespace
}  // namespace trellis::plugins::network
