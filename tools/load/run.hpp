// A whole run: prepare, warm up, measure, check.
#pragma once

#include "tools/load/options.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

namespace trellis::load {

/// Blocks until everything is measured. The report says itself whether it may be used.
Result<json::Value> RunLoad(Options const& options);
/// The same against an echo server: what the generator itself can do.
Result<json::Value> RunNull(Options const& options);

}  // namespace trellis::load
