// Steps on workloads that are already there: removal, tear-down, pause, restore, repair.
#include "kernel/base/fail_point.hpp"
#include "kernel/engine/step_runner.hpp"

namespace trellis::engine {
namespace {

constexpr std::int64_t kFirstRepair = 10;
constexpr std::int64_t kFirstRemoval = 5;
constexpr std::int64_t kQuarantineSeconds = 3600;
constexpr std::int64_t kCrashLoopPause = 6 * 3600;  // a machine that crash-loops gets one try in it
constexpr std::int64_t kShownAsBefore = 60;         // a workload under repair; then it is in error

void CountFailure(store::WorkloadRow& row, std::int64_t now, std::int64_t limit) {
  ++row.fails;
  row.next_try = now + Backoff(row.fails, kFirstRepair, limit).count();
}

}  // namespace

Outcome StepRunner::Remove(PlannedStep const& step) {
  Outcome outcome{.row = step.row};
  plugin::OpAnswer answer;
  answer.status = TRL_OK;
  if (step.row.owned) answer = Call(plugin::Op::kDeprovision, step.row, FlagsOf(step));
  if (lost_) return outcome;
  auto const status = Classify(answer.status);
  if (status == StatusClass::kOk || status == StatusClass::kMissing) {
    outcome.kind = Outcome::Kind::kErased;
    outcome.row.created = Now();
    outcome.row.state = "deleted";
    return outcome;
  }
  outcome.crashed = answer.status == TRL_CRASHED;
  outcome.row.message = answer.error;
  ++outcome.row.fails;
  outcome.visible = false;
  outcome.done = false;
  outcome.failure = fmt::format("workload '{}': {}", step.row.name, answer.error);
  if (state_.job.kind == store::JobKind::kApply) RemoveLater(outcome, kFirstRemoval);
  return outcome;
}

void StepRunner::RemoveLater(Outcome& outcome, std::int64_t delay_s) const {
  outcome.follow = FollowUp(store::JobKind::kRemove, outcome.row, kDeletedByUpdate, delay_s);
  outcome.follow->attempts = 1;
  outcome.done = true;  // for the update: the rest goes on
  outcome.failure.clear();
}

Outcome StepRunner::Condemn(PlannedStep const& step) {
  Outcome outcome{.row = step.row};
  auto const text = fmt::format("operation crashed the node {} times", step.journal.crashes);
  ++context_.meters.quarantined;
  switch (step.action) {
    case Action::kAdd:
    case Action::kUpdate:
      Break(outcome.row, text, {}, Now());
      return outcome;
    case Action::kRestore:
      Break(outcome.row, text, step.row.result, Now());
      outcome.follow =
          FollowUp(store::JobKind::kRepair, outcome.row, "not restored", kQuarantineSeconds);
      return outcome;
    case Action::kRepair:
      Break(outcome.row, text, step.row.result, Now());
      outcome.visible = step.row.message != text;
      break;
    case Action::kPause:
    case Action::kResume:
      Break(outcome.row, text, step.row.result, Now());
      outcome.row.state = "unchanged";
      outcome.kind = Outcome::Kind::kEntry;
      return outcome;
    case Action::kRemove:
    case Action::kTearDown:
      outcome.row.message = text;
      outcome.visible = false;
      break;
  }
  outcome.done = false;
  outcome.failure = fmt::format("workload '{}': {}", step.row.name, text);
  if (state_.job.kind == store::JobKind::kApply) RemoveLater(outcome, kQuarantineSeconds);
  return outcome;
}

Outcome StepRunner::TearDown(PlannedStep const& step) {
  Outcome outcome{.row = step.row};
  auto const answer = Call(plugin::Op::kDeprovision, step.row, FlagsOf(step));
  if (lost_) return outcome;
  auto const status = Classify(answer.status);
  if (status == StatusClass::kTransient) {
    outcome.crashed = answer.status == TRL_CRASHED;
    outcome.visible = false;
    outcome.done = false;
    outcome.failure = answer.error;
    return outcome;
  }
  Break(outcome.row, state_.job.reason, step.row.result, Now());
  outcome.row.owned = status == StatusClass::kPermanent || status == StatusClass::kUnchanged;
  outcome.row.next_try = context_.clock.UnixSeconds() + kCrashLoopPause;
  outcome.follow =
      FollowUp(store::JobKind::kRepair, outcome.row, state_.job.reason, kCrashLoopPause);
  return outcome;
}

Outcome StepRunner::PauseOrResume(PlannedStep const& step) {
  bool const pause = step.action == Action::kPause;
  Outcome outcome{.row = step.row};
  auto flags = FlagsOf(step);
  flags.paused = pause;
  auto answer = Call(step.op, step.row, flags);
  if (lost_) return outcome;
  if (Classify(answer.status) == StatusClass::kMissing) {  // bring it back, as it should be
    answer = Call(plugin::Op::kProvision, step.row, flags);
    if (lost_) return outcome;
    if (Classify(answer.status) == StatusClass::kOk) {
      outcome.row.result = answer.result;
      outcome.row.handle = answer.handle;
      outcome.row.handle_schema = answer.handle_schema;
    }
  }
  outcome.row.created = Now();
  if (Classify(answer.status) == StatusClass::kOk) {
    outcome.row.state = pause ? "paused" : "ok";
    outcome.row.message = pause ? "paused" : "";
    return outcome;
  }
  outcome.crashed = answer.status == TRL_CRASHED;
  outcome.kind = Outcome::Kind::kEntry;
  outcome.row.state = "unchanged";
  outcome.row.message = answer.error;
  outcome.done = false;
  outcome.failure = fmt::format("workload '{}': {}", step.row.name, answer.error);
  return outcome;
}

Outcome StepRunner::Restore(PlannedStep const& step) {
  Outcome outcome{.row = step.row};
  auto flags = FlagsOf(step);
  flags.replay = true;
  outcome.row.owned = true;
  TRELLIS_KILL_POINT("boot.restore");
  auto answer = Call(plugin::Op::kProvision, step.row, flags);
  if (lost_) return outcome;
  if (Classify(answer.status) == StatusClass::kOk) {
    if (answer.result.empty()) answer.result = step.row.result;
    Succeed(outcome.row, std::move(answer), flags.paused, Now());
    outcome.visible = outcome.row.state != step.row.state;
    if (!outcome.visible) outcome.row.created = step.row.created;
    return outcome;
  }
  outcome.crashed = answer.status == TRL_CRASHED;
  Break(outcome.row, answer.error, step.row.result, Now());
  outcome.visible = step.row.state != "error" || step.row.message != outcome.row.message;
  outcome.row.fails = 0;
  CountFailure(outcome.row, context_.clock.UnixSeconds(), context_.options.restore_max_s);
  outcome.follow = FollowUp(store::JobKind::kRepair, outcome.row, "not restored", kFirstRepair);
  outcome.follow->attempts = 1;  // the restore was the first
  return outcome;
}

Outcome StepRunner::Repair(PlannedStep const& step) {
  Outcome outcome{.row = step.row};
  auto const before = step.row.state;
  outcome.row.owned = true;
  auto answer = Call(plugin::Op::kProvision, step.row, FlagsOf(step));
  if (lost_) return outcome;
  if (Classify(answer.status) == StatusClass::kOk) {
    if (answer.result.empty()) answer.result = step.row.result;
    Succeed(outcome.row, std::move(answer), state_.paused(), Now());
    outcome.visible = outcome.row.state != before;
    if (!outcome.visible) outcome.row.created = step.row.created;
    return outcome;
  }
  auto const now = context_.clock.UnixSeconds();
  outcome.crashed = answer.status == TRL_CRASHED;
  outcome.done = false;
  outcome.failure = answer.error;
  CountFailure(outcome.row, now, context_.options.restore_max_s);
  bool const shown = before == "error" || now - state_.job.created >= kShownAsBefore;
  outcome.visible = shown && (before != "error" || step.row.message != answer.error);
  if (outcome.visible) Break(outcome.row, answer.error, step.row.result, Now());
  return outcome;
}

}  // namespace trellis::engine
