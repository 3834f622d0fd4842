// Removal, pause and resume, restore after a reboot, repair of drift, and failures reported by
// monitors.
#include "kernel/engine/effects.hpp"
#include "kernel/engine/job_runner.hpp"

#include <algorithm>

namespace trellis::engine {
namespace {

constexpr std::int64_t kCrashLoopPause =
    6 * 3600;  // a machine that crash-loops gets one try in this time

/// first, 2*first, 4*first … at most `limit` seconds.
std::chrono::seconds Backoff(std::uint32_t fails, std::int64_t first, std::int64_t limit) {
  std::int64_t delay = first;
  for (std::uint32_t i = 1; i < fails && delay < limit; ++i)
    delay *= 2;
  return std::chrono::seconds(std::min(delay, limit));
}

store::WorkloadRow const* FindRow(std::vector<store::WorkloadRow> const& rows,
                                  std::string_view name) {
  auto const found =
      std::find_if(rows.begin(), rows.end(), [&](auto const& row) { return row.name == name; });
  return found == rows.end() ? nullptr : &*found;
}

/// `row` as it is really configured: what restore and repair bring back.
store::WorkloadRow Effective(store::WorkloadRow row) {
  if (row.eff_version.has_value()) {
    row.data = row.eff_data;
    row.version = *row.eff_version;
  }
  return row;
}

}  // namespace

Result<JobEnd> JobRunner::Remove(Ticket const& ticket, Loaded const& loaded) {
  auto rows = loaded.workloads;
  SortForProvision(rows, context_.plugins);
  std::reverse(rows.begin(), rows.end());
  std::string failed;
  for (auto& row : rows) {
    auto const done = Deprovision(ticket, row, loaded.job.reason, {});
    if (done) continue;
    failed = fmt::format("workload '{}': {}", row.name, done.error().message);
    row.message = done.error().message;
    ++row.fails;
    TRELLIS_CHECK(Save(row, /*visible=*/false, {}));
  }
  if (!failed.empty())
    return JobEnd{Backoff(loaded.job.attempts + 1, 5, context_.options.remove_max_s), failed};
  auto const now = context_.clock.UnixSeconds();
  TRELLIS_CHECK(context_.writer.Commit(
      [&](store::Database& db) { return store::EraseDeployment(db, ticket.key, now); }));
  context_.events.Publish({ticket.key.twin,
                           ticket.key.contract,
                           {},
                           {},
                           "removed",
                           loaded.job.reason,
                           loaded.deployment.version});
  return JobEnd{};
}

Result<JobEnd> JobRunner::RemoveOne(Ticket const& ticket, Loaded const& loaded) {
  auto const* row = FindRow(loaded.workloads, loaded.job.target);
  if (row == nullptr) return Finish(ticket.job);
  auto const job = ticket.job;
  auto const done = Deprovision(ticket, *row, loaded.job.reason,
                                [job](store::Database& db) { return store::EraseJob(db, job); });
  if (done) return JobEnd{};
  return JobEnd{Backoff(loaded.job.attempts + 1, 5, context_.options.remove_max_s),
                done.error().message};
}

Result<JobEnd> JobRunner::PauseOrResume(Ticket const& ticket, Loaded loaded) {
  bool const pause = ticket.kind == store::JobKind::kPause;
  auto& rows = loaded.workloads;
  SortForProvision(rows, context_.plugins);
  if (pause) std::reverse(rows.begin(), rows.end());
  std::string failed;
  for (auto& row : rows) {
    if (row.state != (pause ? "ok" : "paused")) continue;
    auto answer = context_.plugins.Run(pause ? plugin::Op::kPause : plugin::Op::kResume,
                                       MakeRequest(row, {}), ticket.cancel);
    if (Classify(answer.status) == StatusClass::kMissing) {
      EffectFlags flags;
      flags.paused = pause;
      answer = context_.plugins.Run(plugin::Op::kProvision, MakeRequest(Effective(row), flags),
                                    ticket.cancel);
    }
    if (Classify(answer.status) != StatusClass::kOk) {
      failed = fmt::format("workload '{}': {}", row.name, answer.error);
      continue;
    }
    row.created = ChangeTime(context_, row);
    row.state = pause ? "paused" : "ok";
    row.message = pause ? "paused" : "";
    TRELLIS_CHECK(Save(row, /*visible=*/true, {}));
  }
  constexpr std::uint32_t kTries = 3;
  if (!failed.empty() && loaded.job.attempts + 1 < kTries)
    return JobEnd{std::chrono::seconds(5), failed};
  return Finish(ticket.job);
}

Result<JobEnd> JobRunner::Restore(Ticket const& ticket, Loaded loaded) {
  auto& rows = loaded.workloads;
  SortForProvision(rows, context_.plugins);
  std::string failed;
  for (auto& stored : rows) {
    bool const was_ok =
        stored.IsOkay() || (stored.state == "error" && stored.eff_version.has_value());
    if (!was_ok) continue;
    auto row = Effective(stored);
    EffectFlags flags;
    flags.paused = loaded.deployment.desired == store::Desired::kPaused;
    flags.replay = true;
    auto answer =
        context_.plugins.Run(plugin::Op::kProvision, MakeRequest(row, flags), ticket.cancel);
    if (ticket.cancel->cancelled()) return JobEnd{std::chrono::seconds(0), "interrupted"};
    auto const before = stored.state;
    if (Classify(answer.status) == StatusClass::kOk) {
      if (answer.result.empty()) answer.result = row.result;
      auto const created = row.created;
      Succeed(context_, row, std::move(answer), flags.paused);
      if (row.state == before) row.created = created;  // nothing visible changed
    } else {
      failed = fmt::format("workload '{}': {}", row.name, answer.error);
      Break(context_, row, answer.error, row.result);
      ++row.fails;
    }
    TRELLIS_CHECK(Save(row, /*visible=*/row.state != before, {}));
  }
  if (!failed.empty())
    return JobEnd{Backoff(loaded.job.attempts + 1, 10, context_.options.restore_max_s), failed};
  return Finish(ticket.job);
}

Result<JobEnd> JobRunner::Repair(Ticket const& ticket, Loaded const& loaded) {
  auto const* stored = FindRow(loaded.workloads, loaded.job.target);
  if (stored == nullptr || !stored->eff_version.has_value()) return Finish(ticket.job);
  auto row = Effective(*stored);
  auto const seen = context_.plugins.Inspect(MakeRequest(row, {}));
  if (!seen || seen->state == TRL_OBSERVED_UNKNOWN) return Finish(ticket.job);
  bool const paused = loaded.deployment.desired == store::Desired::kPaused;
  auto const right = paused ? TRL_OBSERVED_PAUSED : TRL_OBSERVED_RUNNING;
  if (seen->state == right && stored->IsOkay()) return Finish(ticket.job);
  EffectFlags flags;
  flags.paused = paused;
  flags.attempt = stored->fails + 1;
  auto answer =
      context_.plugins.Run(plugin::Op::kProvision, MakeRequest(row, flags), ticket.cancel);
  auto const before = stored->state;
  auto const job = ticket.job;
  if (Classify(answer.status) == StatusClass::kOk) {
    if (answer.result.empty()) answer.result = row.result;
    auto const created = row.created;
    Succeed(context_, row, std::move(answer), paused);
    if (row.state == before) row.created = created;
  } else {
    ++row.fails;
    row.next_try = context_.clock.UnixSeconds() +
                   Backoff(row.fails, 10, context_.options.restore_max_s).count();
    constexpr std::uint32_t kShownFails = 3;  // the first minute it is still shown as before
    if (before == "error" || row.fails >= kShownFails) {
      Break(context_, row, answer.error, row.result);
    }
  }
  TRELLIS_CHECK(Save(row, /*visible=*/row.state != before,
                     [job](store::Database& db) { return store::EraseJob(db, job); }));
  return JobEnd{};
}

Result<JobEnd> JobRunner::FailWorkload(Ticket const& ticket, Loaded const& loaded) {
  auto const* stored = FindRow(loaded.workloads, loaded.job.target);
  if (stored == nullptr || stored->state == "error") return Finish(ticket.job);
  auto row = *stored;
  auto const answer =
      context_.plugins.Run(plugin::Op::kDeprovision, MakeRequest(row, {}), ticket.cancel);
  if (Classify(answer.status) == StatusClass::kTransient)
    return JobEnd{Backoff(loaded.job.attempts + 1, 5, context_.options.remove_max_s), answer.error};
  Break(context_, row, loaded.job.reason, row.result);
  row.next_try = context_.clock.UnixSeconds() + kCrashLoopPause;
  auto const job = ticket.job;
  TRELLIS_CHECK(
      Save(row, /*visible=*/true, [job](store::Database& db) { return store::EraseJob(db, job); }));
  return JobEnd{};
}

}  // namespace trellis::engine
