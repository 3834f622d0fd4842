// The workload type `zmachine` as it is on the wire: what clients send and what they get back.
#pragma once

#include <trellis/sdk.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace trellis::plugins::zmachine {

inline constexpr std::uint64_t kMinMemory = std::uint64_t{250} << 20;
inline constexpr std::uint64_t kSmallRoot = std::uint64_t{500} << 20;
inline constexpr std::uint64_t kLargeRoot = std::uint64_t{2} << 30;

struct MachineInterface {
  std::string network;  ///< name of a network workload of the same twin
  IpAddress ip;
};
BOOST_DESCRIBE_STRUCT(MachineInterface, (), (network, ip))

struct MachineMycelium {
  std::string network;
  HexBytes hex_seed;
};
BOOST_DESCRIBE_STRUCT(MachineMycelium, (), (network, hex_seed))

struct MachineNetwork {
  std::string public_ip;  ///< name of an `ip` workload, "" = none
  bool planetary = false;
  std::optional<MachineMycelium> mycelium;
  std::vector<MachineInterface> interfaces;
};
BOOST_DESCRIBE_STRUCT(MachineNetwork, (), (public_ip, planetary, mycelium, interfaces))

struct MachineCapacity {
  std::uint8_t cpu = 0;      ///< virtual CPUs
  std::uint64_t memory = 0;  ///< bytes
};
BOOST_DESCRIBE_STRUCT(MachineCapacity, (), (cpu, memory))

struct MachineMount {
  std::string name;        ///< workload of the same deployment
  std::string mountpoint;  ///< in the guest
};
BOOST_DESCRIBE_STRUCT(MachineMount, (), (name, mountpoint))

/// Wire data of one machine. Pure: every function may run on any thread.
struct Machine {
  std::string flist;
  MachineNetwork network;
  std::uint64_t size = 0;  ///< root file system in bytes, 0 = the smallest
  MachineCapacity compute_capacity;
  std::vector<MachineMount> mounts;
  std::string entrypoint;
  std::map<std::string, std::string> env;
  bool corex = false;
  std::vector<std::string> gpu;  ///< slot/vendor/device

  /// Refuses with the first broken rule's reason code.
  [[nodiscard]] Result<void> Valid(WorkloadGetter const& getter) const;
  void Challenge(ChallengeWriter& out) const;
  [[nodiscard]] trellis::Capacity Capacity() const;
  /// Mounts, public ip and networks.
  [[nodiscard]] std::vector<std::string> Dependencies() const;
  /// Bytes of the root file system's quota.
  [[nodiscard]] std::uint64_t RootSize() const;

 private:
  [[nodiscard]] std::uint64_t MinRoot() const;
  [[nodiscard]] Result<void> ValidPublicIp(WorkloadGetter const& getter) const;
};
BOOST_DESCRIBE_STRUCT(Machine, (),
                      (flist, network, size, compute_capacity, mounts, entrypoint, env, corex, gpu))

/// What the client gets back.
struct MachineResult {
  std::string id;  ///< workload id
  std::string ip;  ///< private address without prefix length
  std::string planetary_ip;
  std::string mycelium_ip;
  std::string console_url;
};
BOOST_DESCRIBE_STRUCT(MachineResult, (), (id, ip, planetary_ip, mycelium_ip, console_url))

/// Reads a stored result; `ygg_ip`, the planetary address' old name, wins where it is not empty.
Result<MachineResult> ReadResult(std::string_view text);

}  // namespace trellis::plugins::zmachine
