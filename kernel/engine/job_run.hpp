// Runs one job: plan, intents, calls, results. Everything it does survives a kill at any point.
//
// The steps of a job fall into groups. All intents of a group are one commit, together with what
// the group before it left; results are handed to the store without waiting, and those of quick
// steps meet there; the last ones and the job's end are one commit. So a deployment alone costs
// three syncs: accepted, intents, end. Once a step crashed, every result is waited for: the next
// crash is then counted for the right step.
#pragma once

#include "kernel/engine/job_journal.hpp"
#include "kernel/engine/job_state.hpp"
#include "kernel/engine/step_runner.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace trellis::engine {

/// Groups of steps that run one after the other.
struct JobPlan {
  std::vector<std::vector<PlannedStep>> groups;
  std::vector<std::pair<std::string, std::uint32_t>> moves;  ///< new positions of what is kept
};

/// What there is to do; or the end, when that is known without a step. May call plugins that only
/// look (precheck, inspect) and the ledger. In job_plans.cpp and job_apply.cpp.
using Planned = std::variant<JobPlan, JobEnd>;
Result<Planned> PlanJob(Context const& context, JobState& state);
Result<Planned> PlanApplyJob(Context const& context, JobState& state);
/// Are deployments that use a sharable of these just being removed? They get a minute.
Result<bool> WaitsForUsers(Context const& context, JobState const& state,
                           std::span<PlannedStep const> removals);
/// Parked for a moment.
[[nodiscard]] JobEnd LookAgain();

/// Owned by the turns of its ticket and by what it handed to the store.
class JobRun final : public Runnable, public std::enable_shared_from_this<JobRun> {
 public:
  JobRun(Context const& context, Turn turn);

  void Advance(Worker& worker) override;

 private:
  enum class Stage : std::uint8_t { kBegin, kSteps };
  using Results = std::vector<StepResult>;

  Result<void> Begin();
  Result<bool> Load();
  Result<void> NoteStarted();
  void Resume(std::vector<PlannedStep>& group, std::uint32_t& index);
  void OpenNextGroup();
  void RunGroup();
  /// False: the run ended with this step.
  bool Take(PlannedStep const& step, Outcome outcome);
  bool TakeAgain(PlannedStep const& step, Outcome outcome);
  void HandOver(StepResult result);
  void StoreResults();
  Results TakeResults();
  Result<void> WriteChained(store::Database& db, std::function<Result<void>(Sheet&)> const& write);
  void Tell(Results const& results);
  void TellOf(StepResult const& result);
  void TellOfJob(std::string_view state, std::string_view message);

  void Finish();
  [[nodiscard]] JobEnd EndOfSteps() const;
  void End(JobEnd end);
  void Ended(JobEnd const& end, Result<void> const& stored);
  void Interrupt();
  /// A plugin did not give the worker's thread back: what is left to do is done on this one.
  void Abandon(PlannedStep const& step);
  void Wedge(PlannedStep const& step);
  void Trouble(Error const& error);
  void Retry(std::chrono::milliseconds delay);
  [[nodiscard]] std::optional<Ticket> TicketIn(std::chrono::milliseconds delay) const;

  Context const& context_;
  Ticket const ticket_;
  std::shared_ptr<Stopper> const stopper_;
  Worker* worker_ = nullptr;  // of this turn
  Stage stage_ = Stage::kBegin;
  JobState state_;
  JobPlan plan_;
  StepRunner runner_;
  std::size_t group_ = 0;  // index of the open one, plus one
  std::size_t index_ = 0;  // next step in it
  bool careful_ = false;   // a step crashed before
  bool quarantined_ = false;
  std::string failure_;               // the last one for which the job must come again
  std::optional<Error> store_error_;  // writer's thread only: what came after it is not stored

  std::mutex mutex_;      // guards the two below
  Results results_;       // not stored yet
  bool offered_ = false;  // the store was asked to take them
};

}  // namespace trellis::engine
