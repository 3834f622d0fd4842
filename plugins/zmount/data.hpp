// The data of a zmount workload: a disk of `size` bytes.
#pragma once

#include <trellis/sdk.hpp>

#include <cstdint>
#include <string>

namespace trellis::plugins::zmount {

struct ZMount {
  std::uint64_t size = 0;  ///< bytes

  Result<void> Valid(WorkloadGetter const&) const {
    if (size == 0) return Invalid("size", "size of a disk cannot be zero");
    return {};
  }
  void Challenge(ChallengeWriter& out) const { out.Add(size); }
  [[nodiscard]] trellis::Capacity Capacity() const { return {.sru = size}; }
  /// The largest disk is placed first.
  [[nodiscard]] std::int64_t Weight() const {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(size, INT64_MAX));
  }
};
BOOST_DESCRIBE_STRUCT(ZMount, (), (size))

struct ZMountResult {
  std::string volume_id;  ///< the workload id
};
BOOST_DESCRIBE_STRUCT(ZMountResult, (), (volume_id))

}  // namespace trellis::plugins::zmount
