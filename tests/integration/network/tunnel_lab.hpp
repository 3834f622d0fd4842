// Several nodes on one wire: each a network namespace with the plugin and its processes, machines
// that are namespaces on a network's bridge, and a laptop with a WireGuard of its own.
#pragma once

#include "plugins/network/data.hpp"
#include "plugins/network/links.hpp"
#include "plugins/network/namespaces.hpp"
#include "plugins/network/wireguard.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/real_processes.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace trellis::plugins::network {

/// Keys that follow from a number.
WireGuardKey SecretNumber(std::uint8_t number);
std::string PublicKeyNumber(std::uint8_t number);

class TunnelNode {
 public:
  /// `name`: of the namespace it lives in.
  /// `more`: further keys of the configuration, each after a comma.
  TunnelNode(Namespaces const& namespaces, std::string name, std::string const& dir,
             std::string more);
  ~TunnelNode();
  TunnelNode(TunnelNode const&) = delete;
  TunnelNode& operator=(TunnelNode const&) = delete;

  /// On a thread inside the node.
  void In(std::function<void()> const& function);
  void Load();
  void Reload();
  trellis::testing::Answer Provision(Network const& data);
  trellis::testing::Answer Update(Network const& data);
  trellis::testing::Answer Deprovision(Network const& data);
  Observed Inspect(Network const& data);
  /// The tunnel as it is.
  Result<WireGuardDevice> Device();
  /// To the tunnel's process, as an operator would.
  Result<void> Send(std::string const& request);
  /// -1: it has none.
  int TunnelPid();
  bool DeliverEndOfTunnel();
  [[nodiscard]] std::string const& dir() const { return dir_; }
  trellis::testing::FakeHost& host() { return *host_; }

 private:
  Result<std::string> Ask(std::string const& request);

  Namespaces const& namespaces_;
  std::string name_;
  std::string dir_;
  std::string more_;
  std::unique_ptr<trellis::testing::FakeHost> host_;
  std::unique_ptr<trellis::testing::RealProcesses> processes_;
};

class TunnelLab : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// Node `number` (1 or 2) has 192.0.2.<number> on the wire and 10.1.<number + 1>.0/24 of the
  /// network, its machine ends in .5.
  TunnelNode& AddNode(int number, std::string const& more = "");
  /// What node `number` is asked for when it is connected to `others`.
  static Network DataOf(int number, std::vector<int> const& others = {});
  static Peer PeerOf(int number);
  /// The two nodes with their machines `m1` and `m2`.
  void Connect();
  /// The public segment of node `number` is the wire.
  void PutSegmentOnWire(int number);
  /// Something with 192.0.2.<number>: a namespace on the wire.
  void AddHost(std::string const& name, int number);
  void AddMachine(std::string const& name, int node, std::string const& address);
  /// A laptop `laptop` (192.0.2.9, peer 9) with 100.64.1.9 and the network behind node 1.
  void AddLaptop(std::uint16_t port);
  /// Does one of `count` echo requests come back?
  bool Ping(std::string const& from, std::string const& target);
  /// How many of `count` echo requests, 10 ms apart, are lost.
  int Lost(std::string const& from, std::string const& target, int count);

  std::string dir_;
  std::optional<Namespaces> namespaces_;
  std::vector<std::unique_ptr<TunnelNode>> nodes_;
  std::unique_ptr<trellis::testing::FakeHost> laptop_host_;
  std::unique_ptr<trellis::testing::RealProcesses> laptop_;
};

}  // namespace trellis::plugins::network
