// Adds and updates, and what all steps share. The others are in step_upkeep.cpp.
#include "kernel/engine/step_runner.hpp"

#include <array>

namespace trellis::engine {
namespace {

/// Pauses before a first provision that failed for a passing reason is repeated.
constexpr std::array kRetryDelays{std::chrono::seconds(2), std::chrono::seconds(8)};
constexpr std::int64_t kFirstRepair = 10;

}  // namespace

Outcome StepRunner::Run(PlannedStep const& step, plugin::LostCallback const& lost) {
  lost_ = false;
  on_lost_ = &lost;
  if (step.condemned) return Condemn(step);
  auto outcome = [&] {
    switch (step.action) {
      case Action::kAdd:
        return Add(step);
      case Action::kUpdate:
        return Update(step);
      case Action::kRemove:
        return Remove(step);
      case Action::kTearDown:
        return TearDown(step);
      case Action::kPause:
      case Action::kResume:
        return PauseOrResume(step);
      case Action::kRestore:
        return Restore(step);
      case Action::kRepair:
        return Repair(step);
    }
    return Outcome{};
  }();
  if (lost_) {
    outcome.kind = Outcome::Kind::kWedged;
    return outcome;
  }
  bool const clean = outcome.failure.empty() && !outcome.follow.has_value();
  bool const succeeded =
      clean && (outcome.kind == Outcome::Kind::kErased ||
                (outcome.kind == Outcome::Kind::kStored && outcome.row.IsOkay()));
  // A job that was asked to stop may have failed because of that: nothing is concluded from it.
  if (stopper_.stopped() && !succeeded) outcome.kind = Outcome::Kind::kInterrupted;
  return outcome;
}

plugin::OpAnswer StepRunner::Call(plugin::Op op, store::WorkloadRow const& row, EffectFlags flags) {
  return Call(op, row, flags, stopper_.NewCall());
}

plugin::OpAnswer StepRunner::Call(plugin::Op op, store::WorkloadRow const& row, EffectFlags flags,
                                  std::shared_ptr<plugin::CancelToken> cancel) {
  auto const start = context_.clock.MonotonicNs();
  auto const request = MakeRequest(row, flags);
  auto answer = context_.plugins.RunHere(op, request, std::move(cancel), *on_lost_);
  if (answer.lost) {
    lost_ = true;  // the engine may be gone
    return answer;
  }
  context_.meters.Count(row.type, op,
                        std::chrono::nanoseconds(context_.clock.MonotonicNs() - start),
                        answer.status < 0);
  return answer;
}

EffectFlags StepRunner::FlagsOf(PlannedStep const& step) const {
  EffectFlags flags;
  flags.paused = state_.paused();
  flags.retry = step.reopened;
  flags.attempt = step.journal.tries + step.journal.crashes + 1;
  return flags;
}

store::JobRow StepRunner::FollowUp(store::JobKind kind, store::WorkloadRow const& row,
                                   std::string_view reason, std::int64_t delay_s) const {
  store::JobRow job;
  job.key = row.key;
  job.kind = kind;
  job.version = state_.job.version;
  job.target = row.name;
  job.reason = reason;
  job.created = context_.clock.UnixSeconds();
  job.not_before = job.created + delay_s;
  return job;
}

std::string StepRunner::BrokenDependency(PlannedStep const& step) {
  std::vector<std::string_view> elsewhere;
  for (auto const& name : step.dependencies) {
    auto const* row = state_.Find(name);
    if (row == nullptr) {
      elsewhere.push_back(name);
    } else if (!row->IsOkay()) {
      return name;
    }
  }
  if (elsewhere.empty()) return {};
  auto const broken = context_.readers.Run([&](store::Database& db) -> Result<std::string> {
    for (auto const name : elsewhere) {
      TRELLIS_TRY(auto const contract, store::FindShared(db, state_.job.key.twin, name));
      if (!contract.has_value()) continue;  // the plugin knows whether it can do without
      TRELLIS_TRY(auto const row, store::FindWorkload(db, {state_.job.key.twin, *contract}, name));
      if (row.has_value() && row->state == "error") return std::string(name);
    }
    return std::string();
  });
  return broken.value_or("");
}

// ---- adds ----

Outcome StepRunner::Add(PlannedStep const& step) {
  if (auto const* old = state_.Find(step.row.name); old != nullptr && old->type != step.row.type) {
    Outcome outcome{.kind = Outcome::Kind::kEntry, .row = step.row};
    Break(outcome.row, fmt::format("the {} of that name is not removed yet", old->type), {}, Now());
    return outcome;
  }
  auto const broken = BrokenDependency(step);
  if (broken.empty()) return Provision(step, step.row);
  Outcome outcome{.row = step.row};
  Break(outcome.row, fmt::format("dependency '{}' is not ok", broken), {}, Now());
  if (!outcome.row.eff_version.has_value() && !step.reopened) outcome.row.owned = false;
  return outcome;
}

Outcome StepRunner::Provision(PlannedStep const& step, store::WorkloadRow row) {
  Outcome outcome;
  row.owned = true;
  auto answer = Call(plugin::Op::kProvision, row, FlagsOf(step));
  if (lost_) return outcome;
  auto const status = Classify(answer.status);
  if (status == StatusClass::kOk) {
    Succeed(row, std::move(answer), state_.paused(), Now());
    outcome.row = std::move(row);
    return outcome;
  }
  outcome.crashed = answer.status == TRL_CRASHED;
  if (status == StatusClass::kTransient && step.journal.tries < kRetryDelays.size()) {
    outcome.kind = Outcome::Kind::kAgain;
    outcome.delay = kRetryDelays.at(step.journal.tries);
    outcome.failure = answer.error;
    return outcome;
  }
  auto text = answer.error;
  if (outcome.crashed && step.journal.crashes + 1 >= context_.options.crash_limit) {
    auto const type = context_.plugins.Type(row.type);
    text = fmt::format("plugin '{}' crashed {} times during {}",
                       type.has_value() ? type->plugin : row.type, step.journal.crashes + 1,
                       ToText(plugin::Op::kProvision));
  }
  Break(row, std::move(text), std::move(answer.result), Now());
  if (!row.eff_version.has_value()) CleanUp(row);
  outcome.row = std::move(row);
  return outcome;
}

void StepRunner::CleanUp(store::WorkloadRow& row) {
  // Also when the job must stop.
  auto const answer = Call(plugin::Op::kDeprovision, row, {}, plugin::CancelToken::Make());
  auto const status = Classify(answer.status);
  if (status == StatusClass::kOk || status == StatusClass::kMissing) row.owned = false;
}

// ---- updates ----

bool StepRunner::RunsAs(store::WorkloadRow const& row, std::string_view data,
                        std::string_view previous) {
  auto request = MakeRequest(row, {});
  request.data = data;
  request.previous = previous;
  auto const seen = context_.plugins.Inspect(request);
  return seen && (seen->state == TRL_OBSERVED_RUNNING || seen->state == TRL_OBSERVED_PAUSED);
}

Outcome StepRunner::Update(PlannedStep const& step) {
  auto const types = context_.types.Get();
  auto const type = types->find(step.row.type);
  bool const updatable = type != types->end() && type->second.updatable;
  bool anew = !updatable;
  if (updatable && step.row.state == "error") {
    auto const seen = context_.plugins.Inspect(MakeRequest(step.row, FlagsOf(step)));
    anew = seen && seen->state == TRL_OBSERVED_ABSENT;
  }
  if (anew) {
    auto row = step.row;
    CleanUp(row);
    if (lost_) return {};
    row.eff_data.clear();
    row.eff_version.reset();
    return Provision(step, std::move(row));
  }
  Outcome outcome{.row = step.row};
  auto answer = Call(plugin::Op::kUpdate, step.row, FlagsOf(step));
  if (lost_) return outcome;
  if (Classify(answer.status) == StatusClass::kOk) {
    Succeed(outcome.row, std::move(answer), state_.paused(), Now());
    return outcome;
  }
  if (answer.status != TRL_UNCHANGED) return AfterFailedUpdate(step, answer);
  Break(outcome.row, answer.error, step.row.result, Now());
  outcome.row.state = "unchanged";
  outcome.kind = Outcome::Kind::kEntry;
  return outcome;
}

Outcome StepRunner::AfterFailedUpdate(PlannedStep const& step, plugin::OpAnswer const& answer) {
  Outcome outcome{.row = step.row};
  outcome.crashed = answer.status == TRL_CRASHED;
  bool const was_okay = step.row.IsOkay();
  if (was_okay && RunsAs(step.row, step.row.eff_data, step.row.eff_data)) {
    Break(outcome.row, answer.error, step.row.result, Now());
    outcome.row.state = "unchanged";
    outcome.kind = Outcome::Kind::kEntry;
    return outcome;
  }
  bool const unsure =
      answer.status == TRL_FAULT || Classify(answer.status) == StatusClass::kTransient;
  if (unsure && RunsAs(step.row, step.row.data, {})) {
    plugin::OpAnswer applied;
    applied.result = step.row.result;
    applied.handle = step.row.handle;
    applied.handle_schema = step.row.handle_schema;
    Succeed(outcome.row, std::move(applied), state_.paused(), Now());
    return outcome;
  }
  Break(outcome.row, answer.error, answer.result, Now());
  outcome.row.fails = 1;
  outcome.row.next_try = context_.clock.UnixSeconds() + kFirstRepair;
  outcome.follow = FollowUp(store::JobKind::kRepair, outcome.row, "an update failed", kFirstRepair);
  return outcome;
}

}  // namespace trellis::engine
