#include "kernel/engine/health.hpp"

#include "kernel/store/journal_stats.hpp"

namespace trellis::engine {
namespace {

constexpr std::int64_t kOldJob = 15 * 60;     // seconds a job may wait for its turn
constexpr std::int64_t kFailedRemovals = 10;  // tries of one removal

Check Count(std::string name, std::int64_t count, std::int64_t limit, std::string_view what) {
  return {std::move(name), count < limit, count < limit ? "" : fmt::format("{} {}", count, what)};
}

}  // namespace

std::vector<Check> CheckEngine(Context const& context) {
  auto const now = context.clock.UnixSeconds();
  auto const stats = context.readers.Run([&](store::Database& db) {
    return store::ReadJournalStats(db, now, context.options.crash_limit);
  });
  if (!stats) return {{"store", false, stats.error().message}};
  std::vector<Check> checks{{"store", true, ""}};
  checks.push_back(Count("steps", stats->quarantined, 1, "operations crashed too often"));
  checks.push_back(
      Count("removals", stats->most_failed_removal, kFailedRemovals, "tries of a removal failed"));
  auto const age = stats->oldest == 0 ? 0 : now - stats->oldest;
  checks.push_back(Count("queue", age, kOldJob, "seconds is the age of the oldest job"));
  return checks;
}

}  // namespace trellis::engine
