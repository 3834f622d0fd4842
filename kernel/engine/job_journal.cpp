#include "kernel/engine/job_journal.hpp"

#include "kernel/engine/effects.hpp"
#include "kernel/store/outbox.hpp"

#include <algorithm>

namespace trellis::engine {
namespace {

bool IsNothing(Capacity const& capacity) {
  return capacity == Capacity{};
}

Capacity Larger(Capacity const& a, Capacity const& b) {
  return {std::max(a.cru, b.cru), std::max(a.sru, b.sru), std::max(a.hru, b.hru),
          std::max(a.mru, b.mru), std::max(a.ipv4u, b.ipv4u)};
}

bool Reserves(PlannedStep const& step) {
  switch (step.action) {
    case Action::kAdd:
    case Action::kUpdate:
      return true;
    case Action::kRestore:
    case Action::kRepair:
      return !step.row.owned;  // what is owned is reserved
    case Action::kRemove:
    case Action::kTearDown:
    case Action::kPause:
    case Action::kResume:
      return false;
  }
  return false;
}

Result<void> WriteOutcome(Context const& context, Sheet& sheet, JobState& state,
                          PlannedStep const& step, Outcome& outcome);

/// The workload does not fit: its result is known before its plugin is asked.
Result<void> WriteFull(Context const& context, Sheet& sheet, JobState& state, PlannedStep& step,
                       std::string const& text) {
  Outcome outcome{.row = step.row};
  Break(outcome.row, text, step.action == Action::kAdd ? SharedText() : step.row.result,
        state.ChangeTime(context.clock));
  if (step.action == Action::kUpdate) {
    outcome.kind = Outcome::Kind::kEntry;
    outcome.row.state = "unchanged";
  }
  step.settled = true;
  TRELLIS_CHECK(sheet.workloads.Load(sheet.db));
  TRELLIS_CHECK(WriteOutcome(context, sheet, state, step, outcome));
  if (outcome.kind == Outcome::Kind::kStored)
    state.rows.insert_or_assign(outcome.row.name, outcome.row);
  step.row = std::move(outcome.row);  // what is told when it is durable
  return {};
}

/// False: no room, and that is stored.
Result<bool> ReserveFor(Context const& context, Sheet& sheet, JobState& state, PlannedStep& step,
                        NodeCapacity const& node) {
  TRELLIS_TRY(step.held, store::FindReservation(sheet.db, step.row.key, step.row.name));
  // An update that shrinks frees its share when it succeeded.
  auto const wanted = Larger(step.capacity, step.held.value_or(Capacity{}));
  auto const reserved = Reserve(context, sheet.db, node, step.row, wanted);
  if (reserved) return true;
  if (reserved.error().code != Code::kExhausted) return tl::unexpected<Error>(reserved.error());
  TRELLIS_CHECK(WriteFull(context, sheet, state, step, reserved.error().message));
  return false;
}

/// An added workload becomes active with its intent.
Result<void> AddRow(Context const& context, Sheet& sheet, JobState& state,
                    PlannedStep const& step) {
  auto row = step.row;
  row.state = "init";
  row.created = state.ChangeTime(context.clock);
  row.owned = false;
  TRELLIS_CHECK(sheet.workloads.Load(sheet.db));
  sheet.workloads.Put(row);
  TRELLIS_CHECK(sheet.workloads.AddChange(sheet.db, row, state.history));
  state.rows.insert_or_assign(row.name, std::move(row));
  return {};
}

Result<void> SettleReservation(Sheet& sheet, PlannedStep const& step, Outcome const& outcome) {
  auto const& row = outcome.row;
  if (outcome.kind == Outcome::Kind::kEntry) {  // as before the intent
    if (step.action != Action::kUpdate || step.settled) return {};
    if (step.held.has_value())
      return store::PutReservation(sheet.db, row.key, row.name, *step.held);
    return IsNothing(step.capacity) ? Result<void>()
                                    : store::EraseReservation(sheet.db, row.key, row.name);
  }
  if (!row.owned) return store::EraseReservation(sheet.db, row.key, row.name);
  bool const shrunk = step.action == Action::kUpdate && row.IsOkay() && step.held.has_value() &&
                      *step.held != step.capacity;
  return shrunk ? store::PutReservation(sheet.db, row.key, row.name, step.capacity)
                : Result<void>();
}

Result<void> WriteErased(Sheet& sheet, JobState const& state, Outcome const& outcome) {
  auto const& row = outcome.row;
  TRELLIS_CHECK(sheet.workloads.AddChange(sheet.db, row, state.history));
  TRELLIS_CHECK(sheet.workloads.Erase(sheet.db, row.name));
  bool const whole = state.job.kind == store::JobKind::kRemove && state.job.target.empty();
  return store::EraseShared(sheet.db, row.key, row.name, whole ? UINT32_MAX : state.job.version);
}

/// How many workloads are okay, and since when.
std::pair<std::int64_t, std::int64_t> CountOkay(JobState const& state) {
  std::int64_t count = 0;
  std::int64_t newest = 0;
  for (auto const& [name, row] : state.rows) {
    if (!row.IsOkay()) continue;
    ++count;
    newest = std::max(newest, row.created);
  }
  return {count, newest};
}

Result<void> WriteOutcome(Context const& context, Sheet& sheet, JobState& state,
                          PlannedStep const& step, Outcome& outcome) {
  auto journal = step.journal;
  journal.generation = context.generation;
  if (outcome.crashed) {
    ++journal.crashes;
  } else if (!step.condemned) {
    journal.crashes = 0;  // it came back
  }
  auto const open = step.condemned ? store::StepState::kQuarantined : store::StepState::kWaiting;
  journal.state = outcome.done ? store::StepState::kDone : open;
  switch (outcome.kind) {
    case Outcome::Kind::kStored:
      sheet.workloads.Put(outcome.row);
      if (outcome.visible)
        TRELLIS_CHECK(sheet.workloads.AddChange(sheet.db, outcome.row, state.history));
      TRELLIS_CHECK(SettleReservation(sheet, step, outcome));
      break;
    case Outcome::Kind::kEntry:
      if (outcome.visible)
        TRELLIS_CHECK(sheet.workloads.AddChange(sheet.db, outcome.row, state.history));
      TRELLIS_CHECK(SettleReservation(sheet, step, outcome));
      break;
    case Outcome::Kind::kErased:
      TRELLIS_CHECK(WriteErased(sheet, state, outcome));
      break;
    case Outcome::Kind::kAgain:
      ++journal.tries;
      journal.state = store::StepState::kWaiting;
      break;
    case Outcome::Kind::kInterrupted:
    case Outcome::Kind::kWedged:
      return {};  // the intent stays
  }
  state.Note(journal);
  if (!outcome.follow.has_value()) return {};
  auto& follow = *outcome.follow;
  TRELLIS_TRY(auto const equal,
              store::FindEqualJob(sheet.db, follow.key, follow.kind, follow.target));
  if (equal.has_value()) {
    outcome.follow.reset();
    return {};
  }
  TRELLIS_TRY(follow.id, store::AddJob(sheet.db, follow));
  return {};
}

/// A plugin may still hold something after an intent without a result; so far only the journal said
/// so.
Result<void> KeepHeld(Sheet& sheet, JobState const& state) {
  for (auto const& step : state.journal) {
    if (!step.holds || !step.IsOpen()) continue;
    TRELLIS_CHECK(sheet.workloads.Load(sheet.db));
    sheet.workloads.MarkOwned(step.name);
  }
  return {};
}

/// A result that needed no plugin.
Result<void> WriteRow(Sheet& sheet, JobState const& state, Outcome const& outcome) {
  if (outcome.kind == Outcome::Kind::kStored) sheet.workloads.Put(outcome.row);
  if (!outcome.row.owned)
    TRELLIS_CHECK(store::EraseReservation(sheet.db, outcome.row.key, outcome.row.name));
  return outcome.visible ? sheet.workloads.AddChange(sheet.db, outcome.row, state.history)
                         : Result<void>();
}

}  // namespace

bool ReserveAnything(std::vector<PlannedStep> const& steps) {
  return std::any_of(steps.begin(), steps.end(),
                     [](auto const& step) { return Reserves(step) && !IsNothing(step.capacity); });
}

Result<void> WriteIntents(Context const& context, Sheet& sheet, JobState& state,
                          std::vector<PlannedStep>& steps, NodeCapacity const& node) {
  bool const reserve = ReserveAnything(steps);
  for (auto& step : steps) {
    if (step.condemned) continue;
    if (step.action == Action::kAdd && state.Find(step.row.name) == nullptr)
      TRELLIS_CHECK(AddRow(context, sheet, state, step));
    if (reserve && Reserves(step)) {
      TRELLIS_TRY(bool const room, ReserveFor(context, sheet, state, step, node));
      if (!room) continue;
    }
    step.journal.state = store::StepState::kIntent;
    step.journal.generation = context.generation;
    state.Note(step.journal);
  }
  return store::SetSteps(sheet.db, state.job.id, state.journal);
}

Result<void> WriteResults(Context const& context, Sheet& sheet, JobState& state,
                          std::span<StepResult> results, JournalNote note) {
  if (!results.empty()) TRELLIS_CHECK(sheet.workloads.Load(sheet.db));
  for (auto& result : results)
    TRELLIS_CHECK(WriteOutcome(context, sheet, state, *result.step, result.outcome));
  if (results.empty() || note == JournalNote::kOmit) return {};
  return store::SetSteps(sheet.db, state.job.id, state.journal);
}

Result<void> WriteEnd(Context const& context, Sheet& sheet, JobState const& state,
                      JobEnd const& end) {
  auto const& key = state.job.key;
  if (end.erase) {
    TRELLIS_CHECK(sheet.workloads.Load(sheet.db));
    return sheet.workloads.EraseDeployment(sheet.db, context.clock.UnixSeconds());
  }
  if (!end.outcomes.empty()) TRELLIS_CHECK(sheet.workloads.Load(sheet.db));
  for (auto const& outcome : end.outcomes)
    TRELLIS_CHECK(WriteRow(sheet, state, outcome));
  auto const [count, newest] = CountOkay(state);
  bool const changed = count != state.okay || newest != state.okay_newest || !state.steps.empty();
  // An update within a second changes sizes, but neither of the two.
  bool const resized = changed || state.job.kind == store::JobKind::kApply;
  if (resized && !state.weightless)
    TRELLIS_CHECK(store::ReportResources(sheet.db, key, context.clock.UnixSeconds()));
  if (end.message.has_value()) TRELLIS_CHECK(store::SetMessage(sheet.db, key, *end.message));
  if (end.doc.has_value())
    TRELLIS_CHECK(store::SetDocument(sheet.db, key, state.job.version, *end.doc));
  if (end.kind == JobEnd::Kind::kFinished) {
    TRELLIS_CHECK(KeepHeld(sheet, state));
    return store::EraseJob(sheet.db, state.job.id);
  }
  auto job = state.job;
  job.attempts += end.counts ? 1 : 0;
  job.not_before =
      context.clock.UnixSeconds() + std::chrono::ceil<std::chrono::seconds>(end.delay).count();
  job.error = end.error;
  return store::UpdateJob(sheet.db, job);
}

}  // namespace trellis::engine
