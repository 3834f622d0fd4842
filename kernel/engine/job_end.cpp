// How a job's run ends: finished, parked, interrupted, wedged.
#include "kernel/base/fail_point.hpp"
#include "kernel/base/log.hpp"
#include "kernel/engine/job_run.hpp"

#include <algorithm>

namespace trellis::engine {
namespace {

constexpr std::chrono::seconds kStoreTrouble(
    5);                                       // until a job that could not be stored tries again
constexpr std::chrono::hours kQuarantine(1);  // between tries of an operation that crashed
constexpr std::int64_t kFirstRetry = 5;
constexpr std::int64_t kFirstRepair = 10;

}  // namespace

JobEnd JobRun::EndOfSteps() const {
  JobEnd end;
  auto const attempts = state_.job.attempts + 1;
  auto const parked = [&](std::chrono::seconds delay) {
    end.kind = JobEnd::Kind::kParked;
    end.delay =
        quarantined_ ? std::chrono::duration_cast<std::chrono::seconds>(kQuarantine) : delay;
    end.error = failure_;
  };
  bool const failed = !failure_.empty();
  switch (state_.job.kind) {
    case store::JobKind::kApply:
    case store::JobKind::kRestore:
      break;
    case store::JobKind::kRemove:
      end.erase = !failed && state_.job.target.empty();
      if (failed) parked(Backoff(attempts, kFirstRetry, context_.options.remove_max_s));
      break;
    case store::JobKind::kPause:
    case store::JobKind::kResume:
      if (failed)
        parked(std::chrono::seconds(attempts < kPauseTries ? kFirstRetry
                                                           : context_.options.sync_interval_s));
      break;
    case store::JobKind::kRepair:
      if (failed) parked(Backoff(attempts, kFirstRepair, context_.options.restore_max_s));
      break;
    case store::JobKind::kFail:
      if (failed) parked(Backoff(attempts, kFirstRetry, context_.options.remove_max_s));
      break;
  }
  if (failed || state_.deployment.message != failure_) end.message = failure_;
  return end;
}

void JobRun::Finish() {
  End(EndOfSteps());
}

void JobRun::End(JobEnd end) {
  TRELLIS_KILL_POINT("job.before_done");
  auto const shared = std::make_shared<JobEnd>(std::move(end));
  if (shared->kind == JobEnd::Kind::kParked && !shared->durable) return Ended(*shared, {});
  auto const results = std::make_shared<Results>(TakeResults());
  context_.writer.SubmitThen(
      [self = shared_from_this(), shared, results](store::Database& db) {
        return self->WriteChained(db, [&](Sheet& sheet) -> Result<void> {
          bool const goes = shared->kind == JobEnd::Kind::kFinished;
          TRELLIS_CHECK(WriteResults(self->context_, sheet, self->state_, *results,
                                     goes ? JournalNote::kOmit : JournalNote::kWrite));
          if (!self->plan_.moves.empty()) TRELLIS_CHECK(sheet.workloads.Load(sheet.db));
          for (auto const& [name, pos] : self->plan_.moves)
            sheet.workloads.Move(name, pos);
          return WriteEnd(self->context_, sheet, self->state_, *shared);
        });
      },
      [self = shared_from_this(), shared, results](Result<void> const& stored) {
        if (stored) self->Tell(*results);
        self->Ended(*shared, stored);
      });
}

void JobRun::Ended(JobEnd const& end, Result<void> const& stored) {
  if (!stored) return Trouble(stored.error());
  for (auto const& outcome : end.outcomes) {
    if (outcome.visible) Announce(context_, outcome.row);
  }
  TRELLIS_KILL_POINT("job.after_done");
  if (end.kind == JobEnd::Kind::kParked) {
    ++context_.meters.jobs_parked;
    Retry(end.delay);
    return TellOfJob("parked", end.error);
  }
  if (end.erase) TellOfJob("removed", state_.job.reason);
  ++context_.meters.jobs_done;
  context_.scheduler.Done(ticket_.key, std::nullopt);
  TellOfJob("settled", store::ToText(ticket_.kind));
}

void JobRun::TellOfJob(std::string_view state, std::string_view message) {
  context_.events.Publish({ticket_.key.twin,
                           ticket_.key.contract,
                           {},
                           {},
                           std::string(state),
                           std::string(message),
                           state_.deployment.version});
}

/// Intents stay: the steps run again after the restart, or are removed with the deployment.
void JobRun::Interrupt() {
  // Also without a result: the next run reads what this one's last work is just storing.
  auto const results = std::make_shared<Results>(TakeResults());
  context_.writer.SubmitThen(
      [self = shared_from_this(), results](store::Database& db) {
        return self->WriteChained(db, [&](Sheet& sheet) {
          return WriteResults(self->context_, sheet, self->state_, *results);
        });
      },
      [self = shared_from_this(), results](Result<void> const& stored) {
        if (stored) self->Tell(*results);
        self->Retry(std::chrono::seconds(0));
      });
}

void JobRun::Abandon(PlannedStep const& step) {
  worker_->lost = true;
  Wedge(step);
  context_.replace_worker(*worker_);  // the last: with nobody left in it, the engine may end
}

void JobRun::Wedge(PlannedStep const& step) {
  auto const text = fmt::format(
      "workload '{}': its plugin did not come back; nothing of this deployment runs until the "
      "daemon restarts",
      step.row.name);
  log::Error("an operation does not come back, its deployment stands still",
             {{"id", step.row.id()}, {"type", step.row.type}, {"job", ticket_.job}});
  auto results = TakeResults();
  (void)context_.writer.Commit([&](store::Database& db) {  // it stands still also without the note
    return WriteChained(db, [&](Sheet& sheet) -> Result<void> {
      TRELLIS_CHECK(WriteResults(context_, sheet, state_, results));
      return store::SetMessage(db, ticket_.key, text);
    });
  });
  context_.scheduler.Wedge(ticket_.key, *worker_);
  TellOfJob("wedged", text);
  if (context_.wedged) context_.wedged();
}

void JobRun::Trouble(Error const& error) {
  auto const stored =
      context_.readers.Run([&](store::Database& db) { return store::FindJob(db, ticket_.job); });
  if (stored && !stored->has_value()) {  // removed with its deployment meanwhile
    JobEnd gone;
    gone.kind = JobEnd::Kind::kGone;
    return Ended(gone, {});
  }
  log::Error("job could not be carried out, retrying",
             {{"job", ticket_.job}, {"kind", store::ToText(ticket_.kind)}, {"error", error}});
  Retry(kStoreTrouble);
}

void JobRun::Retry(std::chrono::milliseconds delay) {
  context_.scheduler.Done(ticket_.key, TicketIn(delay));
}

std::optional<Ticket> JobRun::TicketIn(std::chrono::milliseconds delay) const {
  auto ticket = ticket_;
  ticket.prepared.reset();
  bool const flips =
      ticket_.kind == store::JobKind::kPause || ticket_.kind == store::JobKind::kResume;
  ticket.yields = flips && state_.job.attempts + 1 >= kPauseTries;
  ticket.not_before_ns = context_.clock.MonotonicNs() + std::chrono::nanoseconds(delay).count();
  return ticket;
}

}  // namespace trellis::engine
