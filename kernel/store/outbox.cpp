#include "kernel/store/outbox.hpp"

#include "kernel/store/query.hpp"
#include "kernel/store/records.hpp"

namespace trellis::store {
namespace {

OutboxRow ReadRow(Statement const& s) {
  return {static_cast<OutboxKind>(s.Int(0)),
          s.Uint(1),
          s.Int(2),
          static_cast<std::uint32_t>(s.Uint(3)),
          s.Int(4),
          s.Uint(5),
          s.Int(6),
          s.Int(7),
          static_cast<std::uint32_t>(s.Uint(8)),
          s.Int(9)};
}

}  // namespace

Result<void> ReportResources(Database& db, DeploymentKey key, std::int64_t now) {
  return Run(db,
             "INSERT INTO outbox (kind, contract, start, twin, created) VALUES (?,?,0,?,?) ON "
             "CONFLICT DO UPDATE SET changed = changed + 1",
             OutboxKind::kResources, key.contract, key.twin, now);
}

Result<void> AddOutbox(Database& db, OutboxRow const& row) {
  return Run(db,
             "INSERT INTO outbox (kind, contract, start, twin, window, nru, created) VALUES "
             "(?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
             row.kind, row.contract, row.start, row.twin, row.window, row.nru, row.created);
}

Result<std::vector<OutboxRow>> DueOutbox(Database& db, std::int64_t now, std::size_t limit) {
  return All(db,
             "SELECT kind, contract, start, twin, window, nru, created, changed, attempts, "
             "next_try FROM outbox WHERE next_try <= ? LIMIT ?",
             ReadRow, now, limit);
}

Result<void> EraseOutbox(Database& db, OutboxRow const& row) {
  return Run(db, "DELETE FROM outbox WHERE kind = ? AND contract = ? AND start = ? AND changed = ?",
             row.kind, row.contract, row.start, row.changed);
}

Result<void> DelayOutbox(Database& db, OutboxRow const& row) {
  return Run(db,
             "UPDATE outbox SET attempts = ?, next_try = ? WHERE kind = ? AND contract = ? AND "
             "start = ?",
             row.attempts, row.next_try, row.kind, row.contract, row.start);
}

Result<OutboxStats> ReadOutboxStats(Database& db, std::int64_t now) {
  TRELLIS_TRY(auto const stats,
              One(
                  db,
                  "SELECT COUNT(*), COALESCE(MIN(created), 0), COALESCE(MIN(CASE WHEN next_try > "
                  "?1 THEN next_try END), 0) FROM outbox",
                  [](Statement const& s) {
                    return OutboxStats{s.Int(0), s.Int(1), s.Int(2)};
                  },
                  now));
  return stats.value_or(OutboxStats{});
}

Result<std::optional<Capacity>> UsedByDeployment(Database& db, DeploymentKey key) {
  TRELLIS_TRY(bool const stored,
              Exists(db, "SELECT 1 FROM deployment WHERE twin = ? AND contract = ?", key.twin,
                     key.contract));
  if (!stored) return std::optional<Capacity>();
  TRELLIS_TRY(auto const workloads, ListWorkloads(db, key));
  Capacity used;
  for (auto const& workload : workloads) {
    if (!workload.IsOkay()) continue;
    TRELLIS_TRY(auto const reserved, FindReservation(db, key, workload.name));
    if (reserved.has_value()) used += *reserved;
  }
  return std::optional(used);
}

Result<void> CountReading(Database& db, std::string_view workload, std::string_view metric,
                          std::uint64_t value) {
  // What the workload had used before it was first looked at counts too.
  return Run(db,
             "INSERT INTO counter (workload, metric, last, total) VALUES (?1, ?2, ?3, ?3) ON "
             "CONFLICT (workload, metric) DO UPDATE SET last = ?3, total = total + CASE WHEN ?3 >= "
             "last THEN ?3 - last ELSE ?3 END",
             workload, metric, value);
}

Result<std::vector<CounterRow>> ListCounters(Database& db, std::string_view metric) {
  return All(
      db, "SELECT workload, total FROM counter WHERE metric = ?",
      [](Statement const& s) {
        return CounterRow{s.Text(0), s.Uint(1)};
      },
      metric);
}

Result<void> ResetCounter(Database& db, std::string_view workload, std::string_view metric) {
  return Run(db, "UPDATE counter SET total = 0 WHERE workload = ? AND metric = ?", workload,
             metric);
}

Result<void> EraseCounter(Database& db, std::string_view workload, std::string_view metric) {
  return Run(db, "DELETE FROM counter WHERE workload = ? AND metric = ?", workload, metric);
}

}  // namespace trellis::store
