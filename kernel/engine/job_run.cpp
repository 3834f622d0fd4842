#include "kernel/engine/job_run.hpp"

#include "kernel/base/fail_point.hpp"

#include <algorithm>

namespace trellis::engine {
namespace {

bool IsDeprovision(PlannedStep const& step) {
  return step.op == plugin::Op::kDeprovision;
}

/// What it was queued for is not wanted any more.
bool IsPointless(JobState const& state) {
  auto const desired = state.deployment.desired;
  switch (state.job.kind) {
    case store::JobKind::kRemove:
      return false;
    // Once begun they go on: their plugins may have done what the store does not show yet, and the
    // job that undoes it looks at what the store shows.
    case store::JobKind::kPause:
      return desired != store::Desired::kPaused && state.steps.empty();
    case store::JobKind::kResume:
      return desired != store::Desired::kPresent && state.steps.empty();
    case store::JobKind::kApply:
    case store::JobKind::kRestore:
    case store::JobKind::kRepair:
    case store::JobKind::kFail:
      return desired == store::Desired::kAbsent;
  }
  return false;
}

store::StepRow NewStep(PlannedStep const& step) {
  store::StepRow row;
  row.name = step.row.name;
  row.op = static_cast<std::uint8_t>(step.op);
  row.holds = !IsDeprovision(step);
  return row;
}

}  // namespace

JobRun::JobRun(Context const& context, Turn turn)
    : context_(context),
      ticket_(std::move(turn.ticket)),
      stopper_(std::move(turn.stopper)),
      runner_(context, state_, *stopper_) {}

void JobRun::Advance(Worker& worker) {
  worker_ = &worker;
  if (stage_ == Stage::kBegin) {
    if (auto const begun = Begin(); !begun) Trouble(begun.error());
    return;
  }
  RunGroup();
}

// ---- begin ----

Result<bool> JobRun::Load() {
  state_.history = context_.options.history;
  if (ticket_.prepared != nullptr && ticket_.prepared->created) {
    auto& prepared = *ticket_.prepared;
    state_.job = std::move(prepared.job);
    state_.deployment = std::move(prepared.head);
    for (auto& row : prepared.rows)
      state_.rows.emplace(row.name, std::move(row));
    state_.prepared = ticket_.prepared;
    state_.fresh = true;
    return true;
  }
  return context_.readers.Run([&](store::Database& db) -> Result<bool> {
    TRELLIS_TRY(auto job, store::FindJob(db, ticket_.job));
    TRELLIS_TRY(auto head, store::FindHead(db, ticket_.key));
    if (!job.has_value() || !head.has_value()) return false;
    state_.job = *std::move(job);
    state_.deployment = *std::move(head);
    TRELLIS_TRY(auto rows, store::ListWorkloads(db, ticket_.key));
    TRELLIS_TRY(auto const held, store::ListHeld(db, ticket_.key));
    for (auto& row : rows) {
      row.owned = row.owned || held.contains(row.name);
      if (row.IsOkay()) {
        ++state_.okay;
        state_.okay_newest = std::max(state_.okay_newest, row.created);
      }
      state_.rows.emplace(row.name, std::move(row));
    }
    TRELLIS_TRY(state_.steps, store::ListSteps(db, state_.job.id));
    state_.journal = state_.steps;
    state_.prepared = ticket_.prepared;
    return true;
  });
}

/// After a crash it must be known what the daemon was at, also before the first intent.
Result<void> JobRun::NoteStarted() {
  if (!context_.after_crash || !state_.steps.empty()) return {};
  state_.job.started = context_.generation;
  return context_.writer.Commit(
      [job = state_.job](store::Database& db) { return store::UpdateJob(db, job); });
}

Result<void> JobRun::Begin() {
  TRELLIS_TRY(bool const there, Load());
  if (!there) {  // removed with its deployment
    JobEnd gone;
    gone.kind = JobEnd::Kind::kGone;
    Ended(gone, {});
    return {};
  }
  TRELLIS_KILL_POINT("job.picked");
  TellOfJob("started", store::ToText(ticket_.kind));
  if (IsPointless(state_)) {
    End({});
    return {};
  }
  TRELLIS_CHECK(NoteStarted());
  TRELLIS_TRY(auto planned, PlanJob(context_, state_));
  if (stopper_->stopped()) {
    Interrupt();
    return {};
  }
  if (auto* end = std::get_if<JobEnd>(&planned); end != nullptr) {
    End(std::move(*end));
    return {};
  }
  plan_ = std::move(std::get<JobPlan>(planned));
  careful_ = std::any_of(state_.steps.begin(), state_.steps.end(),
                         [](auto const& step) { return step.crashes > 0; });
  std::uint32_t index = 0;
  for (auto& group : plan_.groups)
    Resume(group, index);
  stage_ = Stage::kSteps;
  OpenNextGroup();
  return {};
}

/// Leaves out what an earlier run finished, and goes on with what it left open.
void JobRun::Resume(std::vector<PlannedStep>& group, std::uint32_t& index) {
  std::erase_if(group, [&](PlannedStep& step) {
    step.journal = NewStep(step);
    step.journal.idx = index++;
    for (auto const& stored : state_.steps) {
      bool const change = !IsDeprovision(step) && stored.op != step.journal.op &&
                          stored.op <= static_cast<std::uint8_t>(plugin::Op::kUpdate);
      if (stored.name != step.row.name || (stored.op != step.journal.op && !change)) continue;
      if (stored.state == store::StepState::kDone) return true;
      step.journal.crashes = stored.crashes;
      step.journal.tries = stored.tries;
      step.reopened = true;
      // What is in quarantine is tried once more when its time has come.
      step.condemned = stored.crashes >= context_.options.crash_limit &&
                       stored.state != store::StepState::kQuarantined;
      quarantined_ |= step.condemned;
    }
    return false;
  });
}

// ---- groups ----

void JobRun::OpenNextGroup() {
  while (group_ < plan_.groups.size() && plan_.groups[group_].empty())
    ++group_;
  if (group_ == plan_.groups.size()) return Finish();
  auto& group = plan_.groups[group_++];
  index_ = 0;
  // Plugins are asked here: never on the writer's thread.
  auto const node = ReserveAnything(group) ? MeasureCapacity(context_) : NodeCapacity{};
  TRELLIS_KILL_POINT("step.before_intent");
  auto const results = std::make_shared<Results>(TakeResults());
  context_.writer.SubmitThen(
      [self = shared_from_this(), &group, node, results](store::Database& db) {
        return self->WriteChained(db, [&](Sheet& sheet) -> Result<void> {
          TRELLIS_CHECK(
              WriteResults(self->context_, sheet, self->state_, *results, JournalNote::kOmit));
          return WriteIntents(self->context_, sheet, self->state_, group, node);
        });
      },
      [self = shared_from_this(), &group, results](Result<void> const& stored) {
        if (!stored) return self->Trouble(stored.error());
        TRELLIS_KILL_POINT("step.after_intent");
        self->Tell(*results);
        for (auto const& step : group) {
          if (step.settled) Announce(self->context_, step.row);
        }
        self->context_.scheduler.Resume(self->ticket_.key, self);
      });
}

void JobRun::RunGroup() {
  auto& group = plan_.groups[group_ - 1];
  while (index_ < group.size()) {
    auto const& step = group[index_++];
    if (step.settled) continue;
    if (stopper_->stopped()) return Interrupt();
    StoreResults();
    auto outcome = runner_.Run(step, [self = shared_from_this(), &step] { self->Abandon(step); });
    if (worker_->lost) return;
    if (!Take(step, std::move(outcome))) return;
  }
  OpenNextGroup();
}

bool JobRun::Take(PlannedStep const& step, Outcome outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::kInterrupted:
      Interrupt();
      return false;
    case Outcome::Kind::kWedged:
      Wedge(step);
      return false;
    case Outcome::Kind::kAgain:
      return TakeAgain(step, std::move(outcome));
    case Outcome::Kind::kStored:
      state_.rows.insert_or_assign(outcome.row.name, outcome.row);
      break;
    case Outcome::Kind::kErased:
      outcome.row.message = state_.job.reason.empty() ? kDeletedByUpdate : state_.job.reason;
      state_.rows.erase(outcome.row.name);
      break;
    case Outcome::Kind::kEntry:
      break;
  }
  if (!outcome.failure.empty()) failure_ = outcome.failure;
  TRELLIS_KILL_POINT("step.before_result");
  HandOver({&step, std::move(outcome)});
  return true;
}

/// Later steps may need this one: the job comes again, the worker does other things meanwhile.
bool JobRun::TakeAgain(PlannedStep const& step, Outcome outcome) {
  JobEnd end;
  end.kind = JobEnd::Kind::kParked;
  end.delay = outcome.delay;
  end.counts = false;
  end.error = outcome.failure;
  HandOver({&step, std::move(outcome)});
  End(std::move(end));
  return false;
}

/// A result waits for company: the next steps', the next group's intents, or the end.
void JobRun::HandOver(StepResult result) {
  {
    std::lock_guard const lock(mutex_);
    results_.push_back(std::move(result));
  }
  if (!careful_) return;
  auto results = TakeResults();
  auto const done = context_.writer.Commit([&](store::Database& db) {
    return WriteChained(
        db, [&](Sheet& sheet) { return WriteResults(context_, sheet, state_, results); });
  });
  if (done) Tell(results);  // else the end fails with the error too
}

JobRun::Results JobRun::TakeResults() {
  std::lock_guard const lock(mutex_);
  return std::exchange(results_, {});
}

/// Before a step: its plugin may look at what the steps before it did, and others may see it while
/// it takes its time. What quick steps did meanwhile goes along.
void JobRun::StoreResults() {
  {
    std::lock_guard const lock(mutex_);
    if (results_.empty() || offered_) return;
    offered_ = true;
  }
  auto const results = std::make_shared<Results>();
  context_.writer.SubmitThen(
      [self = shared_from_this(), results](store::Database& db) -> Result<void> {
        {
          std::lock_guard const lock(self->mutex_);
          self->offered_ = false;
          *results = std::exchange(self->results_, {});
        }
        return self->WriteChained(db, [&](Sheet& sheet) {
          return WriteResults(self->context_, sheet, self->state_, *results);
        });
      },
      [self = shared_from_this(), results](Result<void> const& done) {
        if (done) return self->Tell(*results);
        self->store_error_ = done.error();
      },
      store::Writer::Urgency::kSoon);
}

/// Nothing is stored after something that was not.
Result<void> JobRun::WriteChained(store::Database& db,
                                  std::function<Result<void>(Sheet&)> const& write) {
  if (store_error_.has_value()) return tl::unexpected<Error>(*store_error_);
  store::WorkloadSet workloads(ticket_.key);
  Sheet sheet{db, workloads};
  auto written = write(sheet);
  if (written) written = workloads.Save(db);
  if (!written) store_error_ = written.error();
  return written;
}

void JobRun::Tell(Results const& results) {
  for (auto const& result : results)
    TellOf(result);
}

void JobRun::TellOf(StepResult const& stored) {
  TRELLIS_KILL_POINT("step.after_result");
  if (stored.outcome.visible && stored.outcome.kind != Outcome::Kind::kAgain)
    Announce(context_, stored.outcome.row);
  if (!stored.outcome.follow.has_value()) return;
  auto const& job = *stored.outcome.follow;
  auto const& row = stored.outcome.row;
  auto const types = context_.types.Get();
  Reach reach{{{row.name, row.type}}, {}, ticket_.uses};
  if (auto const type = types->find(row.type); type != types->end() && type->second.sharable)
    reach.shared.push_back(row.name);
  auto ticket = MakeTicket(job, *types, std::move(reach), context_.clock);
  context_.scheduler.Add(std::move(ticket));
}

}  // namespace trellis::engine
