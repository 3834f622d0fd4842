// Documents of `noop` workloads, of a given size and number, each with a hash of its own.
#pragma once

#include "kernel/grid/deployment.hpp"
#include "kernel/grid/signatures.hpp"
#include "kernel/grid/validate.hpp"
#include "tools/load/options.hpp"
#include "tools/load/twin.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace trellis::load {

/// A deployment and what its plugin would say about it.
struct Document {
  grid::Deployment deployment;
  std::vector<grid::Examined> examined;

  /// `serial` makes the hash unlike every other.
  static Document Make(std::uint32_t twin, std::string_view serial, Shape const& shape);
  /// The next version: one workload changed, added or removed.
  [[nodiscard]] Document Next(Change change) const;

  [[nodiscard]] grid::ChallengeDigest hash() const;
  /// Signed JSON.
  [[nodiscard]] std::string Sign(Twin const& twin, std::uint64_t contract) const;
};

}  // namespace trellis::load
