#include "kernel/store/journal_stats.hpp"

#include "kernel/store/query.hpp"

namespace trellis::store {

Result<JournalStats> ReadJournalStats(Database& db, std::int64_t now) {
  JournalStats stats;
  struct Kind {
    JobKind kind;
    std::int64_t jobs, attempts, most;
  };
  TRELLIS_TRY(auto const kinds,
              All(db, "SELECT kind, COUNT(*), SUM(attempts), MAX(attempts) FROM job GROUP BY kind",
                  [](Statement const& s) {
                    return Kind{static_cast<JobKind>(s.Int(0)), s.Int(1), s.Int(2), s.Int(3)};
                  }));
  for (auto const& kind : kinds) {
    stats.jobs[kind.kind] = kind.jobs;
    stats.retries += kind.attempts;
    if (kind.kind == JobKind::kRemove) stats.most_failed_removal = kind.most;
  }
  auto const number = [](Statement const& s) { return s.Int(0); };
  TRELLIS_TRY(
      auto const oldest,
      One(db, "SELECT COALESCE(MIN(created), 0) FROM job WHERE not_before <= ?1", number, now));
  TRELLIS_TRY(auto const quarantined, One(db,
                                          "SELECT COUNT(*) FROM job, json_each(job.steps) WHERE "
                                          "steps <> '[]' AND json_extract(value, '$[3]') = ?1",
                                          number, StepState::kQuarantined));
  stats.oldest = oldest.value_or(0);
  stats.quarantined = quarantined.value_or(0);
  return stats;
}

}  // namespace trellis::store
