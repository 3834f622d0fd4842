// Reservations: what the node has, what is taken, and whether more fits.
#pragma once

#include "kernel/engine/context.hpp"

#include <trellis/capacity.hpp>
#include <trellis/result.hpp>

namespace trellis::engine {

/// total: all of the node; system: kept for the node itself.
struct NodeCapacity {
  Capacity total;
  Capacity system;
};

/// Cores and memory of the host, disks from the plugins' `capacity` providers.
[[nodiscard]] NodeCapacity MeasureCapacity(Context const& context);

/// Reserves inside the writer's transaction; a held reservation is only checked for its increase.
/// kExhausted with the text clients know: `failed to satisfy required capacity: …`.
Result<void> Reserve(Context const& context, store::Database& db, NodeCapacity const& node,
                     store::WorkloadRow const& row, Capacity const& required);

}  // namespace trellis::engine
