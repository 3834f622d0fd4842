// The published workload types beyond those of the node: wire form, challenge and rules only. Some
// vectors use them.
#include "plugins/common/data_only/provisioner.hpp"
#include "plugins/network/data.hpp"
#include "plugins/zmachine/data.hpp"

#include <trellis/sdk.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace trellis::testing {

namespace {

using plugins::DataOnlyProvisioner;
using plugins::UpdatableDataOnlyProvisioner;

/// ipv4: any object.
struct LegacyIp {
  Result<void> Valid(WorkloadGetter const&) const { return {}; }
  void Challenge(ChallengeWriter&) const {}
  [[nodiscard]] trellis::Capacity Capacity() const { return {.ipv4u = 1}; }
};
BOOST_DESCRIBE_STRUCT(LegacyIp, (), ())

struct Volume {
  std::uint64_t size = 0;

  Result<void> Valid(WorkloadGetter const&) const {
    if (size == 0) return Invalid("size", "size of a volume cannot be zero");
    return {};
  }
  void Challenge(ChallengeWriter& out) const { out.Add(size); }
  [[nodiscard]] trellis::Capacity Capacity() const { return {.sru = size}; }
  [[nodiscard]] std::int64_t Weight() const {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(size, INT64_MAX));
  }
};
BOOST_DESCRIBE_STRUCT(Volume, (), (size))

/// network-light: a network whose overlay key is mandatory and nothing else is.
struct NetworkLight {
  IpNet ip_range;
  IpNet subnet;
  std::string wireguard_private_key;
  std::uint16_t wireguard_listen_port = 0;
  std::vector<plugins::network::Peer> peers;
  plugins::network::Mycelium mycelium;

  Result<void> Valid(WorkloadGetter const&) const {
    if (subnet.empty()) return Invalid("net_subnet", "subnet is missing");
    if (mycelium.hex_key.bytes.size() != 32) return Invalid("mycelium_key", "not 32 bytes");
    if (!mycelium.peers.empty()) return Invalid("mycelium_peers", "peers are not allowed");
    return {};
  }
  void Challenge(ChallengeWriter& out) const {
    plugins::network::Network{ip_range, subnet,  wireguard_private_key, wireguard_listen_port,
                              peers,    mycelium}
        .Challenge(out);
  }
  [[nodiscard]] trellis::Capacity Capacity() const { return {}; }
};
BOOST_DESCRIBE_STRUCT(NetworkLight, (),
                      (ip_range, subnet, wireguard_private_key, wireguard_listen_port, peers,
                       mycelium))

struct MachineLightNetwork {
  std::optional<plugins::zmachine::MachineMycelium> mycelium;
  std::vector<plugins::zmachine::MachineInterface> interfaces;
};
BOOST_DESCRIBE_STRUCT(MachineLightNetwork, (), (mycelium, interfaces))

/// zmachine-light: a machine without public and planetary addresses.
struct MachineLight {
  std::string flist;
  MachineLightNetwork network;
  std::uint64_t size = 0;
  plugins::zmachine::MachineCapacity compute_capacity;
  std::vector<plugins::zmachine::MachineMount> mounts;
  std::string entrypoint;
  std::map<std::string, std::string> env;
  bool corex = false;
  std::vector<std::string> gpu;

  Result<void> Valid(WorkloadGetter const& getter) const { return AsMachine().Valid(getter); }
  void Challenge(ChallengeWriter& out) const {
    // The full machine's bytes, less the `false` of planetary that follows the image.
    std::string full;
    ChallengeWriter writer(full);
    AsMachine().Challenge(writer);
    out.Add(flist);
    out.Add(std::string_view(full).substr(flist.size() + std::string_view("false").size()));
  }
  [[nodiscard]] trellis::Capacity Capacity() const { return AsMachine().Capacity(); }

 private:
  [[nodiscard]] plugins::zmachine::Machine AsMachine() const {
    plugins::zmachine::Machine machine;
    machine.flist = flist;
    machine.network.mycelium = network.mycelium;
    machine.network.interfaces = network.interfaces;
    machine.size = size;
    machine.compute_capacity = compute_capacity;
    machine.mounts = mounts;
    machine.entrypoint = entrypoint;
    machine.env = env;
    machine.gpu = gpu;
    return machine;
  }
};
BOOST_DESCRIBE_STRUCT(MachineLight, (),
                      (flist, network, size, compute_capacity, mounts, entrypoint, env, corex, gpu))

class ReferenceTypes {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;

  static Result<std::unique_ptr<ReferenceTypes>> Create(Host host, Config const&) {
    auto plugin = std::make_unique<ReferenceTypes>();
    TypeOptions options;
    options.rank = 150;
    TRELLIS_CHECK(host.RegisterType<Volume>("volume", plugin->volume_, options));
    options.rank = 320;
    TRELLIS_CHECK(
        host.RegisterSharableType<NetworkLight>("network-light", plugin->network_, options));
    options.rank = 400;
    TRELLIS_CHECK(host.RegisterType<LegacyIp>("ipv4", plugin->ip_, options));
    options.rank = 520;
    TRELLIS_CHECK(host.RegisterType<MachineLight>("zmachine-light", plugin->machine_, options));
    return plugin;
  }

 private:
  UpdatableDataOnlyProvisioner<Volume, NoResult> volume_;
  DataOnlyProvisioner<NetworkLight, NoResult> network_;
  DataOnlyProvisioner<LegacyIp, NoResult> ip_;
  DataOnlyProvisioner<MachineLight, NoResult> machine_;
};

}  // namespace

}  // namespace trellis::testing

TRELLIS_PLUGIN(trellis::testing::ReferenceTypes, "reference-types", "1.0.0")
