#include "kernel/engine/health.hpp"

#include "kernel/engine/queries.hpp"

namespace trellis::engine {
namespace {

constexpr std::int64_t kOldJob = 900;         // seconds a job may wait for its turn
constexpr std::int64_t kOldReport = 21600;    // seconds the ledger may be behind
constexpr std::int64_t kFailedRemovals = 10;  // tries of one removal

Check Limit(std::string name, std::int64_t value, std::int64_t limit, std::string_view what) {
  return {std::move(name), value < limit, value < limit ? "" : fmt::format("{} {}", value, what)};
}

Check Plugins(Snapshot const& now) {
  std::vector<std::string> missing;
  missing.reserve(now.unloaded.size());
  for (auto const& [type, count] : now.unloaded)
    missing.push_back(fmt::format("{}, {} workloads stay as they are", NotLoaded(type), count));
  return {"types", missing.empty(), fmt::format("{}", fmt::join(missing, "; "))};
}

}  // namespace

std::vector<Check> Judge(Result<Snapshot> const& snapshot) {
  if (!snapshot) return {{"store", false, snapshot.error().message}};
  auto const& now = *snapshot;
  Check orphans{"orphans", !now.orphans_held, ""};
  if (now.orphans_held)
    orphans.message = fmt::format("{} resources are unknown to this new store", now.orphans_seen);
  return {
      {"store", true, ""},
      Limit("steps", now.journal.quarantined, 1, "operations crashed too often"),
      Limit("wedged", now.wedged, 1, "operations never came back"),
      Limit("removals", now.journal.most_failed_removal, kFailedRemovals,
            "tries of a removal failed"),
      Limit("queue", now.oldest_job_s, kOldJob, "seconds is the age of the oldest job"),
      Limit("outbox", now.outbox_age_s, kOldReport, "seconds is the age of the oldest report"),
      std::move(orphans),
      Plugins(now),
  };
}

}  // namespace trellis::engine
