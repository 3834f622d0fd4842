// What an operator must know of the engine.
#pragma once

#include "kernel/engine/answer.hpp"
#include "kernel/engine/snapshot.hpp"

#include <trellis/result.hpp>

#include <vector>

namespace trellis::engine {

/// store, steps, wedged, removals, queue, outbox, orphans, types: one check each, good or not. The
/// error: of reading the store.
[[nodiscard]] std::vector<Check> Judge(Result<Snapshot> const& snapshot);

}  // namespace trellis::engine
