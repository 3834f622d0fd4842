// What an operator must know of the engine.
#pragma once

#include "kernel/engine/answer.hpp"
#include "kernel/engine/context.hpp"

#include <vector>

namespace trellis::engine {

/// store, steps, removals, queue: one check each, good or not.
[[nodiscard]] std::vector<Check> CheckEngine(Context const& context);

}  // namespace trellis::engine
