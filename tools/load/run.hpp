// A whole run: prepare, warm up, measure, check.
#pragma once

#include "tools/load/options.hpp"
#include "tools/load/twin.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <string>
#include <vector>

namespace trellis::load {

/// Blocks until everything is measured. The report says itself whether it may be used.
Result<json::Value> RunLoad(Options const& options);
/// The same against an echo server: what the generator itself can do.
Result<json::Value> RunNull(Options const& options);
/// One deployment that gets longer and longer a history; a report for each probe.
Result<json::Value> RunChain(Options const& options);

[[nodiscard]] std::vector<Twin> MakeTwins(Options const& options);
/// Unlike that of every other run on the same ledger.
[[nodiscard]] std::string RunName();

}  // namespace trellis::load
