// What the ledger is still to be told. Rows are written in the commit that causes them and leave
// when the ledger has taken them.
#pragma once

#include "kernel/store/database.hpp"
#include "kernel/store/rows.hpp"

#include <trellis/capacity.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace trellis::store {

/// The numbers are stored: never renumber.
enum class OutboxKind : std::uint8_t {
  kResources = 1,  ///< what a contract uses, as it is when it is told
  kNru = 2,        ///< traffic of a contract in a window, exactly once
  kUptime = 3,     ///< that the node is up
};

/// (kind, contract, start) tells rows apart.
struct OutboxRow {
  OutboxKind kind = OutboxKind::kResources;
  std::uint64_t contract = 0;
  std::int64_t start = 0;  ///< of the window
  std::uint32_t twin = 0;
  std::int64_t window = 0;  ///< seconds
  std::uint64_t nru = 0;    ///< bytes
  std::int64_t created = 0;
  std::int64_t changed = 0;  ///< another number when there is something newer to tell
  std::uint32_t attempts = 0;
  std::int64_t next_try = 0;
};

/// What runs of a deployment changed: the ledger is to learn what it uses now.
Result<void> ReportResources(Database& db, DeploymentKey key, std::int64_t now);
/// Nothing when the row is there already.
Result<void> AddOutbox(Database& db, OutboxRow const& row);
/// Rows that may be sent, at most `limit`.
Result<std::vector<OutboxRow>> DueOutbox(Database& db, std::int64_t now, std::size_t limit);
/// The row was sent: erased, unless there is something newer to tell by now.
Result<void> EraseOutbox(Database& db, OutboxRow const& row);
/// attempts and next_try.
Result<void> DelayOutbox(Database& db, OutboxRow const& row);

struct OutboxStats {
  std::int64_t rows = 0;
  std::int64_t oldest = 0;    ///< when the oldest was written, 0 = none
  std::int64_t next_try = 0;  ///< when the next delayed row may be sent, 0 = none
};
Result<OutboxStats> ReadOutboxStats(Database& db, std::int64_t now);

/// What the okay workloads of a deployment have reserved; empty when it is not stored.
Result<std::optional<Capacity>> UsedByDeployment(Database& db, DeploymentKey key);

// ---- traffic counters ----
/// A cumulative counter as read from a plugin. What it grew by since the last reading is added to
/// the workload's total; a smaller value than last time counts from 0.
Result<void> CountReading(Database& db, std::string_view workload, std::string_view metric,
                          std::uint64_t value);
struct CounterRow {
  std::string workload;
  std::uint64_t total = 0;
};
Result<std::vector<CounterRow>> ListCounters(Database& db, std::string_view metric);
/// Its total back to 0, the reading kept.
Result<void> ResetCounter(Database& db, std::string_view workload, std::string_view metric);
Result<void> EraseCounter(Database& db, std::string_view workload, std::string_view metric);

}  // namespace trellis::store
