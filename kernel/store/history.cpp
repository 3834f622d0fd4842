// The visible history of workloads: bounded and collapsed, so that clients that count entries keep
// working.
#include "kernel/base/fail_point.hpp"
#include "kernel/store/query.hpp"
#include "kernel/store/records.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace trellis::store {
namespace {

/// An entry without its body.
struct Entry {
  std::int64_t seq = 0;
  std::string name;
  std::uint32_t version = 0;
  std::string state;
};

Entry ReadEntry(Statement const& s) {
  return {s.Int(0), s.Text(1), static_cast<std::uint32_t>(s.Uint(2)), s.Text(3)};
}

/// Oldest first.
Result<std::vector<Entry>> EntriesOf(Database& db, DeploymentKey key, std::string_view name) {
  return All(db,
             "SELECT seq, name, version, state FROM change WHERE twin = ? AND contract = ? AND "
             "name = ? ORDER BY seq",
             ReadEntry, key.twin, key.contract, name);
}

Result<std::vector<Entry>> EntriesOf(Database& db, DeploymentKey key) {
  return All(db,
             "SELECT seq, name, version, state FROM change WHERE twin = ? AND contract = ? ORDER "
             "BY seq",
             ReadEntry, key.twin, key.contract);
}

Result<void> Erase(Database& db, DeploymentKey key, std::int64_t seq) {
  return Run(db, "DELETE FROM change WHERE twin = ? AND contract = ? AND seq = ?", key.twin,
             key.contract, seq);
}

/// Drops the oldest entries of one workload above the limit, never the newest nor `init` of the
/// present version. One more entry is about to follow.
Result<void> TrimWorkload(Database& db, DeploymentKey key, std::vector<Entry> const& entries,
                          std::uint32_t version, std::int64_t limit) {
  auto surplus = static_cast<std::int64_t>(entries.size()) + 1 - limit;
  for (auto const& entry : entries) {
    if (surplus <= 0) break;
    if (entry.state == "init" && entry.version == version) continue;
    TRELLIS_CHECK(Erase(db, key, entry.seq));
    --surplus;
  }
  return {};
}

/// What the deployment's bound must not take: of each active workload the newest entry and `init`
/// of the present version.
Result<std::set<std::int64_t>> KeptEntries(Database& db, DeploymentKey key,
                                           std::vector<Entry> const& entries) {
  TRELLIS_TRY(auto const active,
              All(
                  db, "SELECT name, version FROM workload WHERE twin = ? AND contract = ?",
                  [](Statement const& s) {
                    return std::pair(s.Text(0), static_cast<std::uint32_t>(s.Uint(1)));
                  },
                  key.twin, key.contract));
  std::map<std::string, std::uint32_t> const versions(active.begin(), active.end());
  std::map<std::string_view, std::int64_t> newest;
  std::set<std::int64_t> kept;
  for (auto const& entry : entries) {
    auto const found = versions.find(entry.name);
    if (found == versions.end()) continue;
    newest[found->first] = entry.seq;
    if (entry.state == "init" && entry.version == found->second) kept.insert(entry.seq);
  }
  for (auto const& [name, seq] : newest)
    kept.insert(seq);
  return kept;
}

// Of the deployment's entries, which count on their own.
#define TRELLIS_NEXT_SEQ \
  "(SELECT COALESCE(MAX(seq), 0) + 1 FROM change WHERE contract = ?2 AND twin = ?1)"

/// An entry that no stored workload can lend its data to.
Result<void> AppendWhole(Database& db, WorkloadRow const& row) {
  return Run(db,
             "INSERT INTO change (twin, contract, seq, name, type, version, state, created, "
             "message, result, data, metadata, description) VALUES (?1,?2," TRELLIS_NEXT_SEQ
             ",?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)",
             row.key.twin, row.key.contract, row.name, row.type, row.version, row.state,
             row.created, row.message, row.result, row.data, row.metadata, row.description);
}

/// What the stored workload says too.
enum class Lent : std::uint8_t { kNothing, kData, kAll };

Result<Lent> LentBy(Database& db, WorkloadRow const& row) {
  TRELLIS_TRY(auto const same,
              One(
                  db,
                  "SELECT result = ? FROM workload WHERE twin = ? AND contract = ? AND name = ? "
                  "AND version = ?",
                  [](Statement const& s) { return s.Int(0) != 0; }, row.result, row.key.twin,
                  row.key.contract, row.name, row.version));
  if (!same.has_value()) return Lent::kNothing;
  return *same ? Lent::kAll : Lent::kData;
}

/// An empty one is quicker stored than looked for.
std::optional<std::string_view> OwnResult(WorkloadRow const& row, bool lent) {
  return lent && !row.result.empty() ? std::nullopt : std::optional<std::string_view>(row.result);
}

Result<void> AppendBorrowing(Database& db, WorkloadRow const& row, bool result) {
  return Run(db,
             "INSERT INTO change (twin, contract, seq, name, type, version, state, created, "
             "message, result) VALUES (?1,?2," TRELLIS_NEXT_SEQ ",?3,?4,?5,?6,?7,?8,?9)",
             row.key.twin, row.key.contract, row.name, row.type, row.version, row.state,
             row.created, row.message, OwnResult(row, result));
}

Result<void> TrimDeployment(Database& db, DeploymentKey key, std::int64_t limit) {
  TRELLIS_TRY(auto const count,
              One(
                  db, "SELECT COUNT(*) FROM change WHERE twin = ? AND contract = ?",
                  [](Statement const& s) { return s.Int(0); }, key.twin, key.contract));
  auto surplus = count.value_or(0) - limit;
  if (surplus <= 0) return {};
  TRELLIS_TRY(auto const entries, EntriesOf(db, key));
  TRELLIS_TRY(auto const kept, KeptEntries(db, key, entries));
  for (auto const& entry : entries) {
    if (surplus <= 0) break;
    if (kept.contains(entry.seq)) continue;
    TRELLIS_CHECK(Erase(db, key, entry.seq));
    --surplus;
  }
  return {};
}

}  // namespace

Result<void> AddChange(Database& db, WorkloadRow const& row, HistoryLimits const& limits) {
  TRELLIS_TRY(auto const lends, LentBy(db, row));
  TRELLIS_TRY(auto entries, EntriesOf(db, row.key, row.name));
  auto const same = [&](Entry const& entry, std::string_view state) {
    return entry.version == row.version && entry.state == state;
  };
  if (!entries.empty() && same(entries.back(), row.state))
    return Run(
        db,
        "UPDATE change SET created = ?, message = ?, result = ? WHERE twin = ? AND contract = "
        "? AND seq = ?",
        row.created, row.message, OwnResult(row, lends == Lent::kAll), row.key.twin,
        row.key.contract, entries.back().seq);
  bool const again = row.state == "ok" && std::any_of(entries.begin(), entries.end(),
                                                      [&](auto const& e) { return same(e, "ok"); });
  for (auto const& entry : entries) {
    if (again && entry.version == row.version && entry.state != "init")
      TRELLIS_CHECK(Erase(db, row.key, entry.seq));
  }
  if (!again) TRELLIS_CHECK(TrimWorkload(db, row.key, entries, row.version, limits.workload));
  TRELLIS_CHECK(lends == Lent::kNothing ? AppendWhole(db, row)
                                        : AppendBorrowing(db, row, lends == Lent::kAll));
  return TrimDeployment(db, row.key, limits.deployment);
}

Result<void> AppendChange(Database& db, WorkloadRow const& row) {
  return AppendBorrowing(db, row, /*result=*/true);
}

Result<void> CompactChanges(Database& db, DeploymentKey key,
                            std::span<NameVersion const> untouched) {
  if (untouched.empty()) return {};
  std::map<std::string_view, std::uint32_t> const versions(untouched.begin(), untouched.end());
  TRELLIS_TRY(auto const entries, EntriesOf(db, key));
  std::map<std::string_view, std::int64_t> newest;
  for (auto const& entry : entries) {
    if (auto const found = versions.find(entry.name);
        found != versions.end() && found->second == entry.version)
      newest[entry.name] = entry.seq;
  }
  for (auto const& entry : entries) {
    auto const found = newest.find(entry.name);
    bool const old = found != newest.end() && entry.seq != found->second &&
                     entry.version == versions.at(entry.name) && entry.state != "init";
    if (!old) continue;
    TRELLIS_CHECK(Erase(db, key, entry.seq));
    TRELLIS_FAIL_POINT("history.compact");
  }
  return {};
}

Result<std::vector<WorkloadRow>> ListChanges(Database& db, DeploymentKey key) {
  return All(
      db,
      "SELECT c.name, c.type, c.version, c.state, c.created, c.message, COALESCE(c.result, "
      "w.result, ''), "
      "COALESCE(c.data, w.data, ''), COALESCE(c.metadata, w.metadata, ''), "
      "COALESCE(c.description, w.description, '') FROM change c LEFT JOIN workload w ON w.twin = "
      "c.twin AND w.contract = c.contract AND w.name = c.name WHERE c.twin = ? AND c.contract = ? "
      "ORDER BY c.seq",
      [key](Statement const& s) {
        WorkloadRow row;
        row.key = key;
        row.name = s.Text(0);
        row.type = s.Text(1);
        row.version = static_cast<std::uint32_t>(s.Uint(2));
        row.state = s.Text(3);
        row.created = s.Int(4);
        row.message = s.Text(5);
        row.result = s.Text(6);
        row.data = s.Text(7);
        row.metadata = s.Text(8);
        row.description = s.Text(9);
        return row;
      },
      key.twin, key.contract);
}

}  // namespace trellis::store
