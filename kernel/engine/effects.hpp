// What a plugin is asked, and what its answer makes of a stored workload.
#pragma once

#include "kernel/engine/context.hpp"

#include <string>
#include <string_view>

namespace trellis::engine {

/// How the engine treats a status.
enum class StatusClass : std::uint8_t { kOk, kUnchanged, kTransient, kMissing, kPermanent };
[[nodiscard]] StatusClass Classify(trl_status status);

struct EffectFlags {
  bool paused = false;  ///< bring it up not usable
  bool replay = false;  ///< boot: no ledger needed
  bool retry = false;   ///< an earlier attempt was cut short
  std::uint32_t attempt = 1;
};

/// The request for `row`: data = its wanted data, previous = what is in effect.
[[nodiscard]] plugin::OpRequest MakeRequest(store::WorkloadRow const& row,
                                            EffectFlags const& flags);

/// `row` after a successful provision or update.
void Succeed(store::WorkloadRow& row, plugin::OpAnswer answer, bool paused, std::int64_t now);
/// `row` in state error with the text; what the plugin returned as result is kept.
void Break(store::WorkloadRow& row, std::string message, SharedText result, std::int64_t now);

/// Tells watchers and plugins what is now visible.
void Announce(Context const& context, store::WorkloadRow const& row);

}  // namespace trellis::engine
