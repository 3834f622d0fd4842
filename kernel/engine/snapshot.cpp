// Engine: looking at itself.
#include "kernel/engine/snapshot.hpp"

#include "kernel/engine/engine.hpp"
#include "kernel/engine/upkeep.hpp"

namespace trellis::engine {
namespace {

std::int64_t Age(std::int64_t now, std::int64_t since) {
  return since == 0 ? 0 : std::max<std::int64_t>(now - since, 0);
}

}  // namespace

Result<Snapshot> Engine::Look() {
  auto const now = context_.clock.UnixSeconds();
  Snapshot snapshot;
  snapshot.depth = scheduler_.DepthOf({});
  snapshot.wedged = static_cast<std::int64_t>(scheduler_.wedged());
  TRELLIS_CHECK(context_.readers.Run([&](store::Database& db) -> Result<void> {
    TRELLIS_TRY(snapshot.journal, store::ReadJournalStats(db, now));
    TRELLIS_TRY(snapshot.outbox, store::ReadOutboxStats(db, now));
    return {};
  }));
  snapshot.oldest_job_s = Age(now, snapshot.journal.oldest);
  snapshot.outbox_age_s = Age(now, snapshot.outbox.oldest);
  snapshot.reports = outbox_->counters();
  snapshot.orphans_seen = upkeep_->orphans().seen();
  snapshot.orphans_removed = upkeep_->orphans().removed();
  snapshot.orphans_held = upkeep_->orphans().held();
  snapshot.unloaded = upkeep_->unloaded();
  snapshot.inspections = upkeep_->rounds();
  return snapshot;
}

bool Engine::WaitRecovered(std::chrono::seconds limit) {
  auto const subscription = events_.Subscribe([this](StateEvent const&) { waiters_.Tell(); });
  bool const recovered =
      waiters_.Wait(limit, [this] { return upkeep_->rounds() > 0 && !Restoring(); });
  events_.Unsubscribe(subscription);
  return recovered;
}

bool Engine::Restoring() {
  auto const now = context_.clock.UnixSeconds();
  auto const stats =
      context_.readers.Run([&](store::Database& db) { return store::ReadJournalStats(db, now); });
  return !stats || stats->jobs.contains(store::JobKind::kRestore);
}

Result<void> Engine::ConfirmOrphans() {
  return upkeep_->orphans().Confirm();
}

}  // namespace trellis::engine
