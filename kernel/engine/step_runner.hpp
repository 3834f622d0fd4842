// One step: the plugin's calls, outside any lock or transaction, and what they mean.
#pragma once

#include "kernel/engine/effects.hpp"
#include "kernel/engine/job_state.hpp"
#include "kernel/engine/stopper.hpp"

#include <string>

namespace trellis::engine {

/// Borrows everything; one per running job.
class StepRunner {
 public:
  StepRunner(Context const& context, JobState const& state, Stopper& stopper)
      : context_(context), state_(state), stopper_(stopper) {}

  /// Calls the plugin, perhaps more than once. Changes nothing that is stored. `lost`: see
  /// plugin::LostCallback; after kWedged only what this thread owns may be touched.
  Outcome Run(PlannedStep const& step, plugin::LostCallback const& lost);

 private:
  Outcome Add(PlannedStep const& step);
  Outcome Update(PlannedStep const& step);
  Outcome AfterFailedUpdate(PlannedStep const& step, plugin::OpAnswer const& answer);
  Outcome Remove(PlannedStep const& step);
  Outcome TearDown(PlannedStep const& step);
  Outcome PauseOrResume(PlannedStep const& step);
  Outcome Restore(PlannedStep const& step);
  Outcome Repair(PlannedStep const& step);

  /// What becomes of a step that crashed too often.
  Outcome Condemn(PlannedStep const& step);
  /// A removal that failed inside an update goes on in a job of its own.
  void RemoveLater(Outcome& outcome, std::int64_t delay_s) const;
  /// When it is lost, nothing may follow.
  plugin::OpAnswer Call(plugin::Op op, store::WorkloadRow const& row, EffectFlags flags);
  plugin::OpAnswer Call(plugin::Op op, store::WorkloadRow const& row, EffectFlags flags,
                        std::shared_ptr<plugin::CancelToken> cancel);
  Outcome Provision(PlannedStep const& step, store::WorkloadRow row);
  /// Removes what a failed first provision may have left; `row.owned` stays set when that fails.
  void CleanUp(store::WorkloadRow& row);
  /// The first of the step's dependencies that is not okay; "" = none.
  std::string BrokenDependency(PlannedStep const& step);
  [[nodiscard]] bool RunsAs(store::WorkloadRow const& row, std::string_view data,
                            std::string_view previous);
  [[nodiscard]] EffectFlags FlagsOf(PlannedStep const& step) const;
  [[nodiscard]] std::int64_t Now() const { return state_.ChangeTime(context_.clock); }
  [[nodiscard]] store::JobRow FollowUp(store::JobKind kind, store::WorkloadRow const& row,
                                       std::string_view reason, std::int64_t delay_s) const;

  Context const& context_;
  JobState const& state_;
  Stopper& stopper_;
  plugin::LostCallback const* on_lost_ = nullptr;
  bool lost_ = false;  // the last call was given up
};

}  // namespace trellis::engine
