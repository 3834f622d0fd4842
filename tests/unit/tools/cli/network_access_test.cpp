#include "tools/cli/network_access.hpp"

#include <gmock/gmock.h>

namespace trellis::cli {
namespace {

using ::testing::HasSubstr;

constexpr char const* kNodeSecret = "kFVhbC8FDCNHlOcJmSlA2I5cFUbyfVDk9iP4jOXrj1Q=";

grid::Workload Network(std::string const& peers = "[]") {
  grid::Workload network;
  network.name = "net";
  network.type = "network";
  network.data.text =
      R"({"ip_range":"10.20.0.0/16","subnet":"10.20.2.0/24","wireguard_private_key":")" +
      std::string(kNodeSecret) + R"(","wireguard_listen_port":3011,"peers":)" + peers + "}";
  return network;
}

UserAccess Access(std::string const& subnet) {
  return {IpNet::Parse(subnet).value(), NewAccessKeys().secret, 1};
}

TEST(NetworkAccess, KeysBelongTogether) {
  auto const keys = NewAccessKeys();
  EXPECT_EQ(OpenKeyOf(keys.secret).value(), keys.open);
  EXPECT_NE(NewAccessKeys().secret, keys.secret);
  EXPECT_FALSE(OpenKeyOf("short"));
}

TEST(NetworkAccess, IsAPeerThatCallsAndANoteInTheMetadata) {
  auto network = Network();
  network.metadata = R"({"version":3,"kept":true})";
  auto const access = Access("10.20.4.0/24");
  ASSERT_TRUE(AddAccess(network, access));
  EXPECT_THAT(network.data.text,
              HasSubstr(R"("allowed_ips":["10.20.4.0/24","100.64.20.4/32"],"endpoint":"")"));
  EXPECT_THAT(network.data.text, HasSubstr(OpenKeyOf(access.private_key).value()));
  EXPECT_THAT(network.metadata, HasSubstr(R"("kept":true)"));
  auto const noted = AccessesOf(network);
  ASSERT_TRUE(noted) << noted.error().message;
  ASSERT_EQ(noted->size(), 1U);
  EXPECT_EQ(noted->front().private_key, access.private_key);
}

TEST(NetworkAccess, TakesASubnetThatNobodyHas) {
  auto here =
      Network(R"([{"subnet":"10.20.3.0/24","allowed_ips":["10.20.3.0/24","10.20.5.0/24"]}])");
  ASSERT_TRUE(AddAccess(here, Access("10.20.4.0/24")));
  auto there = Network();
  ASSERT_TRUE(AddAccess(there, Access("10.20.6.0/24")));
  EXPECT_EQ(FreeSubnet({&here}).value().ToString(), "10.20.6.0/24");
  EXPECT_EQ(FreeSubnet({&here, &there}).value().ToString(), "10.20.7.0/24");
}

TEST(NetworkAccess, TellsOtherNodesTheWay) {
  auto const node = OpenKeyOf(kNodeSecret).value();
  auto network = Network(R"([{"subnet":"10.20.3.0/24","wireguard_public_key":")" + node + R"("}])");
  EXPECT_TRUE(AddRoute(network, IpNet::Parse("10.20.4.0/24").value(), node).value());
  EXPECT_THAT(network.data.text, HasSubstr(R"("allowed_ips":["10.20.4.0/24","100.64.20.4/32"])"));
  EXPECT_FALSE(AddRoute(network, IpNet::Parse("10.20.5.0/24").value(), "other").value());
}

TEST(NetworkAccess, PrintsAFileForWgQuick) {
  auto const access = Access("10.20.4.0/24");
  EXPECT_EQ(AccessFile(Network(), access, "203.0.113.7:3011").value(),
            "[Interface]\nAddress = 100.64.20.4/32\nPrivateKey = " + access.private_key +
                "\n\n[Peer]\nPublicKey = " + OpenKeyOf(kNodeSecret).value() +
                "\nAllowedIPs = 10.20.0.0/16, 100.64.0.0/16\nPersistentKeepalive = 25\n"
                "Endpoint = 203.0.113.7:3011\n");
}

TEST(NetworkAccess, RefusesWhatIsNoNetwork) {
  grid::Workload disk;
  disk.name = "data";
  disk.data.text = R"({"size":1})";
  EXPECT_FALSE(FreeSubnet({&disk}));
  EXPECT_FALSE(AddAccess(disk, Access("10.20.4.0/24")));
  auto broken = Network();
  broken.metadata = "not json";
  EXPECT_FALSE(AddAccess(broken, Access("10.20.4.0/24")));
}

}  // namespace
}  // namespace trellis::cli
