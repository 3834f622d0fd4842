#include "plugins/network/names.hpp"
#include "tests/integration/network/tunnel_lab.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include <thread>

namespace trellis::plugins::network {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Peer LaptopPeer() {
  Peer peer;
  peer.subnet = IpNet::Parse("10.1.10.0/24").value();
  peer.wireguard_public_key = PublicKeyNumber(9);
  peer.allowed_ips = {peer.subnet, IpNet::Parse("100.64.1.10/32").value()};
  return peer;
}

WireGuardPeer PeerIn(WireGuardDevice const& device, std::uint8_t number) {
  auto const found = device.peers.find(PublicKeyOf(SecretNumber(number)).value());
  return found == device.peers.end() ? WireGuardPeer{} : found->second;
}

TEST_F(TunnelLab, MachinesOnDifferentNodesReachEachOther) {
  Connect();
  EXPECT_TRUE(Ping("m1", "10.1.3.5"));
  EXPECT_TRUE(Ping("m2", "10.1.2.5"));
  EXPECT_TRUE(Ping("m1", "10.1.3.1"));  // the other node's router
  for (int const number : {1, 2}) {
    auto const seen =
        nodes_[static_cast<std::size_t>(number - 1)]->Inspect(DataOf(number, {3 - number}));
    EXPECT_EQ(seen.state, Observed::State::kRunning) << seen.detail;
  }
}

TEST_F(TunnelLab, ALaptopReachesAllNodesThroughOne) {
  Connect();
  auto one = DataOf(1, {2});
  one.peers.push_back(LaptopPeer());
  auto const updated = nodes_[0]->Update(one);
  ASSERT_TRUE(updated.ok()) << updated.error;
  auto two = DataOf(2, {1});
  for (auto const& range : LaptopPeer().allowed_ips)
    two.peers[0].allowed_ips.push_back(range);
  ASSERT_TRUE(nodes_[1]->Update(two).ok());
  AddLaptop(4000);
  EXPECT_TRUE(Ping("laptop", "10.1.2.5"));
  EXPECT_TRUE(Ping("laptop", "10.1.3.5"));
}

TEST_F(TunnelLab, PeersThatComeAndGoCostTheOthersNothing) {
  Connect();
  ASSERT_TRUE(Ping("m1", "10.1.3.5"));
  std::vector<int> many{2};
  for (int number = 20; number < 70; ++number)
    many.push_back(number);
  int lost = -1;
  std::thread pings([&] { lost = Lost("m1", "10.1.3.5", 300); });
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(nodes_[0]->Update(DataOf(1, many)).ok());
    EXPECT_TRUE(nodes_[0]->Update(DataOf(1, {2})).ok());
  }
  pings.join();
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(nodes_[0]->Device().value().peers.size(), 1U);
}

TEST_F(TunnelLab, APeerThatMovedStaysWhereItIs) {
  Connect();
  auto one = DataOf(1, {2});
  one.peers.push_back(LaptopPeer());
  ASSERT_TRUE(nodes_[0]->Update(one).ok());
  AddLaptop(4001);
  ASSERT_TRUE(Ping("laptop", "10.1.2.5"));
  ASSERT_EQ(PeerIn(nodes_[0]->Device().value(), 9).endpoint, "192.0.2.9:4001");
  one.peers.push_back(PeerOf(3));
  ASSERT_TRUE(nodes_[0]->Update(one).ok());
  auto const device = nodes_[0]->Device().value();
  EXPECT_EQ(PeerIn(device, 9).endpoint, "192.0.2.9:4001");
  EXPECT_EQ(PeerIn(device, 3).endpoint, "192.0.2.3:3003");
  EXPECT_TRUE(Ping("laptop", "10.1.2.5"));
}

TEST_F(TunnelLab, ARangeMovesFromOnePeerToAnother) {
  auto& node = AddNode(1);
  auto data = DataOf(1, {2, 3});
  ASSERT_TRUE(node.Provision(data).ok());
  auto const moved = data.peers[0].allowed_ips[0];
  data.peers[0].allowed_ips.erase(data.peers[0].allowed_ips.begin());
  data.peers[1].allowed_ips.push_back(moved);
  auto const updated = node.Update(data);
  ASSERT_TRUE(updated.ok()) << updated.error;
  auto const device = node.Device().value();
  EXPECT_THAT(PeerIn(device, 2).allowed, Not(::testing::Contains(moved)));
  EXPECT_THAT(PeerIn(device, 3).allowed, ::testing::Contains(moved));
}

TEST_F(TunnelLab, ATunnelThatEndedIsMadeAnew) {
  Connect();
  ASSERT_TRUE(Ping("m1", "10.1.3.5"));
  auto& node = *nodes_[1];
  auto const pid = node.TunnelPid();
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_TRUE(node.DeliverEndOfTunnel());
  EXPECT_NE(node.TunnelPid(), pid);
  EXPECT_TRUE(Ping("m2", "10.1.2.5"));
  auto const seen = node.Inspect(DataOf(2, {1}));
  EXPECT_EQ(seen.state, Observed::State::kRunning) << seen.detail;
}

TEST_F(TunnelLab, ANewPluginFindsTheTunnelAndLeavesItAlone) {
  Connect();
  ASSERT_TRUE(Ping("m1", "10.1.3.5"));
  auto const pid = nodes_[0]->TunnelPid();
  int lost = -1;
  std::thread pings([&] { lost = Lost("m1", "10.1.3.5", 200); });
  nodes_[0]->Reload();
  EXPECT_TRUE(nodes_[0]->Provision(DataOf(1, {2})).ok());
  pings.join();
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(nodes_[0]->TunnelPid(), pid);
}

TEST_F(TunnelLab, ARefusedUpdateLeavesTheTunnelAlive) {
  Connect();
  ASSERT_TRUE(Ping("m1", "10.1.3.5"));
  auto bad = DataOf(1, {2});
  bad.wireguard_listen_port = 3009;
  bad.peers[0].endpoint = "node2.example.com:3002";
  auto const refused = nodes_[0]->Update(bad);
  EXPECT_EQ(refused.status, TRL_UNCHANGED);
  EXPECT_THAT(refused.error, HasSubstr("'node2.example.com:3002' must be an ip address"));
  EXPECT_TRUE(Ping("m1", "10.1.3.5"));
  EXPECT_THAT(nodes_[0]->host().Command("zos.network.list_wg_ports", "null").value(),
              HasSubstr(",3001,"));
}

TEST_F(TunnelLab, APortThatIsLeftOpenIsChosenOnce) {
  auto& node = AddNode(1);
  auto data = DataOf(1, {2});
  data.wireguard_listen_port = 0;
  auto const made = node.Provision(data);
  ASSERT_TRUE(made.ok()) << made.error;
  auto const port = node.Device().value().port;
  EXPECT_GE(port, 1024);
  EXPECT_THAT(node.host().Command("zos.network.list_wg_ports", "null").value(),
              HasSubstr(fmt::format("{}", port)));
  ASSERT_EQ(::kill(node.TunnelPid(), SIGKILL), 0);
  ASSERT_TRUE(node.DeliverEndOfTunnel());
  EXPECT_EQ(node.Device().value().port, port);
  node.Reload();
  ASSERT_TRUE(node.Provision(data).ok());
  EXPECT_EQ(node.Device().value().port, port);
}

TEST_F(TunnelLab, InspectTellsWhatIsWrongWithATunnel) {
  auto& node = AddNode(1);
  auto const data = DataOf(1, {2});
  ASSERT_TRUE(node.Provision(data).ok());
  auto const net_id = NetId(7, "net1");
  Namespaces const inside(node.dir() + "/netns");
  auto const link = TunnelName(net_id);
  auto const in_network = [&](std::function<Result<void>(Links&, Link const&)> const& function) {
    auto const done = inside.RunIn(NamespaceName(net_id), [&]() -> Result<void> {
      TRELLIS_TRY(auto links, Links::Open());
      TRELLIS_TRY(auto const found, links.Get(link));
      return function(links, found);
    });
    ASSERT_TRUE(done) << done.error().message;
  };
  in_network([&](Links& links, Link const& found) {
    return links.ConvergeAddresses(found.index, {IpNet::Parse("10.99.0.1/24").value()});
  });
  EXPECT_EQ(node.Inspect(data).detail, "link '" + link + "' has no address '100.64.1.2/16'");
  ASSERT_TRUE(node.Provision(data).ok());
  EXPECT_EQ(node.Inspect(data).state, Observed::State::kRunning) << node.Inspect(data).detail;
  in_network([&](Links& links, Link const&) { return links.Delete(link); });
  EXPECT_EQ(node.Inspect(data).detail, "link '" + link + "' is missing");
  ASSERT_TRUE(node.Provision(data).ok());
  EXPECT_EQ(node.Inspect(data).state, Observed::State::kRunning) << node.Inspect(data).detail;
}

TEST_F(TunnelLab, DeprovisionEndsTheTunnel) {
  auto& node = AddNode(1);
  auto const data = DataOf(1, {2});
  ASSERT_TRUE(node.Provision(data).ok());
  auto const pid = node.TunnelPid();
  ASSERT_TRUE(node.Deprovision(data).ok());
  EXPECT_EQ(node.TunnelPid(), -1);
  EXPECT_NE(::kill(pid, 0), 0);
  node.In([&] {
    auto links = Links::Open();
    ASSERT_TRUE(links);
    EXPECT_THAT(links->Names().value(), Each(Not(StartsWith("w-"))));
  });
  EXPECT_FALSE(node.Device());
}

}  // namespace
}  // namespace trellis::plugins::network
