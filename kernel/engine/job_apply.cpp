// The `apply` job: a deploy or an update, from the accepted document to the steps it takes, or to
// its refusal.
#include "kernel/engine/contract_check.hpp"
#include "kernel/engine/effects.hpp"
#include "kernel/engine/job_run.hpp"
#include "kernel/grid/reason.hpp"
#include "kernel/grid/validate.hpp"

#include <algorithm>
#include <map>

namespace trellis::engine {
namespace {

constexpr std::int64_t kUnreachablePatience = 300;  // seconds a job waits for the ledger
constexpr std::int64_t kNotFoundPatience = 60;
constexpr std::int64_t kDiffersPatience = 30;
constexpr std::chrono::seconds kAskAgain(5);

std::int64_t PatienceFor(ContractVerdict verdict) {
  switch (verdict) {
    case ContractVerdict::kMatches:
      return 0;
    case ContractVerdict::kDiffers:
      return kDiffersPatience;
    case ContractVerdict::kNotFound:
      return kNotFoundPatience;
    case ContractVerdict::kUnreachable:
      return kUnreachablePatience;
  }
  return 0;
}

/// A contract that already carries the hash of a later document says nothing against this one.
bool IsOlderDocument(Context const& context, JobState const& state,
                     grid::Deployment const& target) {
  if (state.deployment.version == state.job.version) return false;
  auto const own = grid::ChallengeHash(target, context.plugins);
  return own &&
         CheckContract(context.ledger, context.options.node_id, state.job.key, crypto::Hex(*own))
                 .verdict == ContractVerdict::kMatches;
}

/// "" = it may run; else why it has to wait or is refused.
struct Validation {
  bool waits = false;
  std::string refused;
};

Result<Validation> Validate(Context const& context, JobState& state,
                            grid::Deployment const& target) {
  Validation out;
  if (state.deployment.validated) return out;
  auto const answer =
      CheckContract(context.ledger, context.options.node_id, state.job.key, state.deployment.hash);
  if (answer.verdict == ContractVerdict::kMatches) {
    state.deployment.validated = true;
    TRELLIS_CHECK(context.writer.Commit([&](store::Database& db) {
      return store::SetValidated(db, state.job.key, state.deployment.version);
    }));
    return out;
  }
  if (answer.verdict == ContractVerdict::kDiffers && IsOlderDocument(context, state, target))
    return out;
  out.waits = context.clock.UnixSeconds() - state.job.created < PatienceFor(answer.verdict);
  out.refused = answer.text;
  return out;
}

/// What the plugins say beforehand: per workload why not.
std::map<std::string, std::string> Precheck(Context const& context, JobState const& state,
                                            Plan const& plan) {
  std::map<std::string, std::string> refused;
  EffectFlags flags;
  flags.paused = state.paused();
  for (auto const& step : plan.changes) {
    auto const answer = context.plugins.Precheck(step.op, MakeRequest(step.row, flags));
    auto const verdict = Classify(answer.status);
    if (verdict == StatusClass::kOk || verdict == StatusClass::kTransient) continue;
    refused.emplace(step.row.name, grid::SplitReason(answer.error).sentence);
  }
  return refused;
}

/// Refused updates get their old entry back, so that a later update may try again.
std::string WithOldEntries(grid::Deployment target, JobState const& state, Plan const& plan) {
  for (auto const& step : plan.changes) {
    if (step.action != Action::kUpdate) continue;
    auto const* stored = state.Find(step.row.name);
    auto const workload = std::find_if(target.workloads.begin(), target.workloads.end(),
                                       [&](auto const& w) { return w.name == step.row.name; });
    workload->version = stored->version;
    workload->data.text = stored->data;
    workload->metadata = stored->metadata;
    workload->description = stored->description;
  }
  return grid::ToJson(target);
}

/// The job ends before its first step: updates leave only an entry, added workloads are in error,
/// nothing is removed.
JobEnd Refuse(Context const& context, JobState& state, grid::Deployment const& target,
              Plan const& plan, std::string const& text,
              std::map<std::string, std::string> const& own_texts) {
  JobEnd end;
  auto const now = state.ChangeTime(context.clock);
  bool updates = false;
  for (auto const& step : plan.changes) {
    auto const own = own_texts.find(step.row.name);
    Outcome outcome{.row = step.row};
    bool const update = step.action == Action::kUpdate;
    Break(outcome.row, own == own_texts.end() ? text : own->second,
          update ? step.row.result : SharedText(), now);
    if (update) {
      outcome.kind = Outcome::Kind::kEntry;
      outcome.row.state = "unchanged";
      updates = true;
    } else {
      state.rows.insert_or_assign(outcome.row.name, outcome.row);
    }
    end.outcomes.push_back(std::move(outcome));
  }
  end.message = text;
  if (updates) end.doc = WithOldEntries(target, state, plan);
  return end;
}

JobEnd WaitForLedger(std::string text) {
  JobEnd end;
  end.kind = JobEnd::Kind::kParked;
  end.delay = kAskAgain;
  end.error = std::move(text);
  return end;
}

}  // namespace

Result<Planned> PlanApplyJob(Context const& context, JobState& state) {
  grid::Deployment parsed;
  if (state.prepared == nullptr) {
    TRELLIS_TRY(parsed, grid::ParseDeployment(state.job.doc));
  }
  auto const& target = state.prepared != nullptr ? state.prepared->target : parsed;
  auto const types = context.types.Get();
  auto const rows = state.List();
  auto plan = state.prepared != nullptr
                  ? PlanApply(target, state.prepared->examined, state.job, rows, *types)
                  : PlanApply(target, ExamineAll(target, context.plugins), state.job, rows, *types);
  state.weightless = state.fresh && !ReserveAnything(plan.changes);
  TRELLIS_TRY(auto const validation, Validate(context, state, target));
  if (validation.waits) return Planned(WaitForLedger(validation.refused));
  if (!validation.refused.empty())
    return Planned(Refuse(context, state, target, plan, validation.refused, {}));
  if (state.steps.empty()) {  // else it was answered before the first step
    if (state.job.crashes >= context.options.crash_limit) {
      auto const text = fmt::format("operation crashed the node {} times", state.job.crashes);
      return Planned(Refuse(context, state, target, plan, text, {}));
    }
    if (auto const refused = Precheck(context, state, plan); !refused.empty()) {
      auto const& [name, why] = *refused.begin();
      return Planned(Refuse(context, state, target, plan,
                            fmt::format("workload '{}': {}", name, why), refused));
    }
  }
  if (!plan.removes.empty()) {
    TRELLIS_TRY(bool const wait, WaitsForUsers(context, state, plan.removes));
    if (wait) return Planned(LookAgain());
  }
  JobPlan job;
  job.groups.push_back(std::move(plan.removes));
  job.groups.push_back(std::move(plan.changes));
  job.moves = std::move(plan.moves);
  return Planned(std::move(job));
}

}  // namespace trellis::engine
