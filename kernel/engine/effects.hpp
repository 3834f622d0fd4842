// One plugin call and what its answer makes of the stored workload.
#pragma once

#include "kernel/engine/context.hpp"

#include <memory>
#include <string>

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

/// Now, but never before the row's last change.
[[nodiscard]] std::int64_t ChangeTime(Context const& context, store::WorkloadRow const& row);

/// `row` after a successful provision or update.
void Succeed(Context const& context, store::WorkloadRow& row, plugin::OpAnswer answer, bool paused);
/// `row` in state error with the text; what the plugin returned as result is kept.
void Break(Context const& context, store::WorkloadRow& row, std::string message,
           std::string result);

/// Waits until `cancel` or the time is over; true when cancelled.
bool WaitCancelled(plugin::CancelToken const& cancel, std::chrono::milliseconds time);

/// Provision with the tries a workload that never was ok gets: transient failures are repeated
/// after 2 s and 8 s.
plugin::OpAnswer ProvisionPatiently(Context const& context, store::WorkloadRow const& row,
                                    EffectFlags flags,
                                    std::shared_ptr<plugin::CancelToken> const& cancel);

/// Tells watchers and plugins what is now visible.
void Announce(Context const& context, store::WorkloadRow const& row, std::string_view state);

}  // namespace trellis::engine
