// What there is to do for each kind of job but `apply`.
#include "kernel/engine/effects.hpp"
#include "kernel/engine/job_run.hpp"

#include <algorithm>

namespace trellis::engine {
namespace {

constexpr std::chrono::hours kQuarantine(1);
constexpr std::string_view kPoison = "it crashed the node";
constexpr std::int64_t kUsersPatience = 60;  // seconds a sharable waits for users that are leaving
constexpr std::chrono::milliseconds kLookAgain(250);

PlannedStep StepOf(Action action, plugin::Op op, store::WorkloadRow row) {
  PlannedStep step;
  step.action = action;
  step.op = op;
  step.row = std::move(row);
  return step;
}

JobPlan OneGroup(std::vector<PlannedStep> steps) {
  JobPlan plan;
  plan.groups.push_back(std::move(steps));
  return plan;
}

/// What a restore or repair reserves again, if nothing is reserved.
Capacity CapacityOf(Context const& context, store::WorkloadRow const& row) {
  if (row.owned) return {};
  grid::Workload workload;
  workload.version = row.version;
  workload.name = row.name;
  workload.type = row.type;
  workload.data.text = row.data;
  auto const examined = context.plugins.Examine({}, workload, /*check_valid=*/false);
  return examined ? examined->capacity : Capacity{};
}

/// Steps for the rows that `wanted` picks, in the order of provisioning.
template <class Wanted>
std::vector<PlannedStep> StepsFor(Context const& context, JobState const& state, Action action,
                                  plugin::Op op, Wanted wanted) {
  auto rows = state.List();
  SortForProvision(rows, *context.types.Get());
  std::vector<PlannedStep> steps;
  for (auto& row : rows) {
    if (wanted(row)) steps.push_back(StepOf(action, op, std::move(row)));
  }
  return steps;
}

// ---- removal ----

Result<Planned> PlanRemoval(Context const& context, JobState& state) {
  auto steps = StepsFor(context, state, Action::kRemove, plugin::Op::kDeprovision,
                        [](auto const& row) { return row.owned; });
  std::reverse(steps.begin(), steps.end());
  TRELLIS_TRY(bool const wait, WaitsForUsers(context, state, steps));
  if (wait) return Planned(LookAgain());
  return Planned(OneGroup(std::move(steps)));
}

/// What an update left out may have come back with a later one.
Result<bool> WantedAgain(Context const& context, JobState const& state) {
  auto const* row = state.Find(state.job.target);
  if (row == nullptr) return true;
  TRELLIS_TRY(auto const text, context.readers.Run([&](store::Database& db) -> Result<std::string> {
    TRELLIS_TRY(auto const deployment, store::FindDeployment(db, state.job.key));
    return deployment.has_value() ? store::ReadDocument(db, *deployment) : Result<std::string>("");
  }));
  if (text.empty()) return true;
  TRELLIS_TRY(auto const doc, grid::ParseDeployment(text));
  return std::any_of(doc.workloads.begin(), doc.workloads.end(), [&](auto const& workload) {
    return workload.name == row->name && workload.type == row->type;
  });
}

Result<Planned> PlanSingleRemoval(Context const& context, JobState& state) {
  TRELLIS_TRY(bool const wanted, WantedAgain(context, state));
  if (wanted) return Planned(JobEnd{});
  std::vector<PlannedStep> steps;
  steps.push_back(StepOf(Action::kRemove, plugin::Op::kDeprovision, *state.Find(state.job.target)));
  return Planned(OneGroup(std::move(steps)));
}

// ---- pause, restore ----

Planned PlanPause(Context const& context, JobState const& state) {
  bool const pause = state.job.kind == store::JobKind::kPause;
  auto steps = StepsFor(context, state, pause ? Action::kPause : Action::kResume,
                        pause ? plugin::Op::kPause : plugin::Op::kResume,
                        [&](auto const& row) { return row.state == (pause ? "ok" : "paused"); });
  if (pause) std::reverse(steps.begin(), steps.end());
  return OneGroup(std::move(steps));
}

Planned PlanRestore(Context const& context, JobState const& state) {
  auto steps =
      StepsFor(context, state, Action::kRestore, plugin::Op::kProvision, [](auto const& row) {
        return row.IsOkay() || (row.state == "error" && row.eff_version.has_value());
      });
  for (auto& step : steps)
    step.capacity = CapacityOf(context, step.row);
  return OneGroup(std::move(steps));
}

// ---- repair, fail ----

/// As it should be, seen with the eyes of a type that may have no real pause.
bool IsRight(Context const& context, JobState const& state, store::WorkloadRow const& row,
             std::int32_t seen) {
  if (!state.paused()) return seen == TRL_OBSERVED_RUNNING;
  auto const types = context.types.Get();
  auto const type = types->find(row.type);
  bool const real = type != types->end() && type->second.pausable;
  return seen == TRL_OBSERVED_PAUSED || (!real && seen == TRL_OBSERVED_RUNNING);
}

JobEnd ParkRepair(Context const& context, JobState const& state, std::string error) {
  JobEnd end;
  end.kind = JobEnd::Kind::kParked;
  end.delay = Backoff(state.job.attempts + 1, 10, context.options.restore_max_s);
  end.error = std::move(error);
  return end;
}

/// It came back by itself.
JobEnd ShowAgain(Context const& context, JobState& state, store::WorkloadRow row) {
  JobEnd end;
  row.state = state.paused() ? "paused" : "ok";
  row.message = state.paused() ? "paused" : "";
  row.created = state.ChangeTime(context.clock);
  row.fails = 0;
  row.next_try = 0;
  row.owned = true;
  state.rows.insert_or_assign(row.name, row);
  end.outcomes.push_back({.row = std::move(row)});
  return end;
}

Planned PlanRepair(Context const& context, JobState& state) {
  auto const* row = state.Find(state.job.target);
  if (row == nullptr || !row->eff_version.has_value()) return JobEnd{};
  bool const broken = row->state == "error";
  if (row->owned) {
    auto request = MakeRequest(*row, {});
    if (broken) request.previous.clear();  // it has to become what is wanted
    auto const seen = context.plugins.Inspect(request);
    bool const unknown = !seen || seen->state == TRL_OBSERVED_UNKNOWN;
    if (unknown && !broken) return JobEnd{};  // no conclusion: the next round looks again
    if (unknown) return ParkRepair(context, state, seen ? seen->detail : seen.error().message);
    if (IsRight(context, state, *row, seen->state))
      return broken ? Planned(ShowAgain(context, state, *row)) : Planned(JobEnd{});
  }
  std::vector<PlannedStep> steps;
  steps.push_back(StepOf(Action::kRepair, plugin::Op::kProvision, *row));
  steps.front().capacity = CapacityOf(context, *row);
  return OneGroup(std::move(steps));
}

/// It crashed the node before its first step, again and again: one try an hour. Another crash wipes
/// the error.
JobEnd Quarantine(JobState const& state) {
  JobEnd end;
  end.kind = JobEnd::Kind::kParked;
  end.delay = kQuarantine;
  end.error = fmt::format("{} {} times", kPoison, state.job.crashes);
  return end;
}

Planned PlanFail(JobState const& state) {
  auto const* row = state.Find(state.job.target);
  if (row == nullptr || row->state == "error") return JobEnd{};
  std::vector<PlannedStep> steps;
  steps.push_back(StepOf(Action::kTearDown, plugin::Op::kDeprovision, *row));
  return OneGroup(std::move(steps));
}

}  // namespace

Result<bool> WaitsForUsers(Context const& context, JobState const& state,
                           std::span<PlannedStep const> removals) {
  if (context.clock.UnixSeconds() - state.job.created >= kUsersPatience) return false;
  auto const types = context.types.Get();
  return context.readers.Run([&](store::Database& db) -> Result<bool> {
    for (auto const& step : removals) {
      auto const type = types->find(step.row.type);
      if (type == types->end() || !type->second.sharable) continue;
      TRELLIS_TRY(bool const used, store::UsedByLeaving(db, step.row.key, step.row.name));
      if (used) return true;
    }
    return false;
  });
}

JobEnd LookAgain() {
  JobEnd end;
  end.kind = JobEnd::Kind::kParked;
  end.delay = kLookAgain;
  end.counts = false;
  end.durable = false;
  return end;
}

Result<Planned> PlanJob(Context const& context, JobState& state) {
  bool const poisonous = state.job.crashes >= context.options.crash_limit;
  if (state.job.kind == store::JobKind::kApply) return PlanApplyJob(context, state);
  if (poisonous && state.steps.empty() && !state.job.error.starts_with(kPoison))
    return Planned(Quarantine(state));
  switch (state.job.kind) {
    case store::JobKind::kApply:
      break;  // above
    case store::JobKind::kRemove:
      return state.job.target.empty() ? PlanRemoval(context, state)
                                      : PlanSingleRemoval(context, state);
    case store::JobKind::kPause:
    case store::JobKind::kResume:
      return PlanPause(context, state);
    case store::JobKind::kRestore:
      return PlanRestore(context, state);
    case store::JobKind::kRepair:
      return PlanRepair(context, state);
    case store::JobKind::kFail:
      return PlanFail(state);
  }
  return Fail(Code::kInternal, "job {} has an unknown kind", state.job.id);
}

}  // namespace trellis::engine
