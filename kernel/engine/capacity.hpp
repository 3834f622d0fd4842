// What the node has, what is taken, and whether more fits.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/plugin/types.hpp"
#include "kernel/store/records.hpp"

#include <trellis/capacity.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace trellis::engine {

struct Context;

struct NodeCapacity {
  Capacity total;                      ///< all of the node
  Capacity system;                     ///< kept for the node itself
  std::uint64_t memory_available = 0;  ///< what the system could give now, bytes
};

/// Cores and memory of the host, disks from the plugins' `capacity` providers. Safe for use by
/// several threads.
class CapacityMeter {
 public:
  /// `reserve_memory`: bytes kept for the system; 0 = the larger of 10 % and 2 GiB.
  CapacityMeter(plugin::Plugins& plugins, Clock& clock, std::uint64_t reserve_memory)
      : plugins_(plugins), clock_(clock), reserve_memory_(reserve_memory) {}

  /// Totals as of at most a minute ago, available memory as of at most a second ago: plugins are
  /// not asked for every job.
  [[nodiscard]] NodeCapacity Get();

 private:
  /// Asks the plugins. Under refresh_mutex_.
  void Refresh();

  plugin::Plugins& plugins_;
  Clock& clock_;
  std::uint64_t const reserve_memory_;
  std::mutex refresh_mutex_;                  // held while plugins are asked; guards provided_
  std::map<std::string, Capacity> provided_;  // by plugin
  std::mutex mutex_;                          // guards the rest
  NodeCapacity node_;
  std::optional<std::int64_t> measured_ns_;
  std::optional<std::int64_t> memory_ns_;
};

/// What CapacityMeter says.
[[nodiscard]] NodeCapacity MeasureCapacity(Context const& context);

/// Reserves inside the writer's transaction; a held reservation is only checked for its increase.
/// kExhausted with the text clients know: `failed to satisfy required capacity: …`.
Result<void> Reserve(Context const& context, store::Database& db, NodeCapacity const& node,
                     store::WorkloadRow const& row, Capacity const& required);

}  // namespace trellis::engine
