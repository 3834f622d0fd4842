// Tunnels whose sockets are in another namespace than the node.
#include "plugins/network/public_namespace.hpp"
#include "tests/integration/network/tunnel_lab.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

namespace trellis::plugins::network {
namespace {

constexpr char const* kOwnNamespace = R"(,"public":{"parent":"none","own_namespace":true})";
constexpr char const* kPublic =
    R"({"public_config":{"type":"macvlan","ipv4":"192.0.2.11/24","ipv6":"","gw4":"192.0.2.254","gw6":"","domain":""}})";

bool SharesNamespace(int pid, std::string const& path) {
  struct stat a {};
  struct stat b {};
  auto const own = fmt::format("/proc/{}/ns/net", pid);
  return ::stat(own.c_str(), &a) == 0 && ::stat(path.c_str(), &b) == 0 && a.st_ino == b.st_ino;
}

TEST_F(TunnelLab, TunnelsListenWhereThePublicAddressesAre) {
  auto& one = AddNode(1, kOwnNamespace);
  PutSegmentOnWire(1);
  one.In([&] { one.host().Publish("node.changed", kPublic); });
  auto const made = one.Provision(DataOf(1, {2}));
  ASSERT_TRUE(made.ok()) << made.error;
  auto two = DataOf(2, {1});
  two.peers[0].endpoint = "192.0.2.11:3001";
  ASSERT_TRUE(AddNode(2).Provision(two).ok());
  AddMachine("m1", 1, "10.1.2.5/24");
  AddMachine("m2", 2, "10.1.3.5/24");

  EXPECT_TRUE(Ping("m2", "10.1.2.5"));
  EXPECT_TRUE(SharesNamespace(one.TunnelPid(), one.dir() + "/netns/" + kPublicNamespace));
  EXPECT_EQ(one.Inspect(DataOf(1, {2})).state, Observed::State::kRunning);
}

TEST_F(TunnelLab, TunnelsFollowWhenTheNodeLosesItsPublicAddresses) {
  auto& one = AddNode(1, kOwnNamespace);
  one.In([&] { one.host().Publish("node.changed", kPublic); });
  auto const data = DataOf(1, {2});
  ASSERT_TRUE(one.Provision(data).ok());

  one.In([&] { one.host().Publish("node.changed", R"({"public_config":null})"); });

  EXPECT_FALSE(Namespaces(one.dir() + "/netns").Exists(kPublicNamespace));
  EXPECT_EQ(one.Inspect(data).detail, "the tunnel's socket is in another namespace");
  ASSERT_TRUE(one.Provision(data).ok());
  EXPECT_EQ(one.Inspect(data).state, Observed::State::kRunning) << one.Inspect(data).detail;
  one.In([&] { EXPECT_TRUE(SharesNamespace(one.TunnelPid(), "/proc/thread-self/ns/net")); });
}

TEST_F(TunnelLab, TheNamespaceOfPublicAddressesIsRepaired) {
  auto& one = AddNode(1, kOwnNamespace);
  one.In([&] { one.host().Publish("node.changed", kPublic); });
  Namespaces const there(one.dir() + "/netns");
  ASSERT_TRUE(there.Remove(kPublicNamespace));

  one.In([&] { one.host().RunTasks(); });

  EXPECT_TRUE(there.Exists(kPublicNamespace));
  EXPECT_EQ(one.host().Metrics()["network/repairs_total"], 1);
}

TEST_F(TunnelLab, AnOperatorNamesTheNamespaceOfTunnels) {
  auto& one = AddNode(1, R"(,"wireguard":{"underlay":"wan"})");
  Namespaces const there(one.dir() + "/netns");
  EXPECT_FALSE(one.Provision(DataOf(1, {2})).ok()) << "it is not there yet";
  ASSERT_TRUE(there.Ensure("wan"));

  auto const made = one.Provision(DataOf(1, {2}));

  ASSERT_TRUE(made.ok()) << made.error;
  EXPECT_TRUE(SharesNamespace(one.TunnelPid(), one.dir() + "/netns/wan"));
}

}  // namespace
}  // namespace trellis::plugins::network
