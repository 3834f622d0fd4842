// The data of a zdb workload: a namespace of a key-value store on the node's disks.
#pragma once

#include <trellis/sdk.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace trellis::plugins::zdb {

/// Position among the types of a deployment.
inline constexpr std::uint32_t kRank = 700;

/// Pure: every function may run on any thread.
struct Zdb {
  std::uint64_t size = 0;  ///< bytes
  std::string mode;        ///< `user` or `seq`
  std::string password;    ///< may be empty
  bool public_ = false;    ///< readable without the password

  /// size, zdb_mode.
  [[nodiscard]] Result<void> Valid(WorkloadGetter const&) const;
  void Challenge(ChallengeWriter& out) const;
  [[nodiscard]] trellis::Capacity Capacity() const;
};
BOOST_DESCRIBE_STRUCT(Zdb, (), (size, mode, password, public_))

/// What the client gets back. The keys are capitalised on the wire.
struct ZdbResult {
  std::string Namespace;       ///< workload id  NOLINT(readability-identifier-naming)
  std::vector<IpAddress> IPs;  // NOLINT(readability-identifier-naming)
  std::uint16_t Port = 0;      // NOLINT(readability-identifier-naming)
};
BOOST_DESCRIBE_STRUCT(ZdbResult, (), (Namespace, IPs, Port))

}  // namespace trellis::plugins::zdb
