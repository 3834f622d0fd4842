// Workloads and sharable names.
#include "kernel/store/query.hpp"
#include "kernel/store/records.hpp"

namespace trellis::store {
namespace {

#define TRELLIS_WORKLOAD_COLUMNS                                                               \
  "twin, contract, name, type, pos, weight, version, state, created, owned, fails, next_try, " \
  "eff_version, message, description, metadata, data, result, eff_data, handle, handle_schema"

WorkloadRow ReadWorkload(Statement const& s) {
  WorkloadRow row;
  row.key = {static_cast<std::uint32_t>(s.Uint(0)), s.Uint(1)};
  row.name = s.Text(2);
  row.type = s.Text(3);
  row.pos = static_cast<std::uint32_t>(s.Uint(4));
  row.weight = s.Int(5);
  row.version = static_cast<std::uint32_t>(s.Uint(6));
  row.state = s.Text(7);
  row.created = s.Int(8);
  row.owned = s.Int(9) != 0;
  row.fails = static_cast<std::uint32_t>(s.Uint(10));
  row.next_try = s.Int(11);
  if (!s.IsNull(12)) row.eff_version = static_cast<std::uint32_t>(s.Uint(12));
  row.message = s.Text(13);
  row.description = s.Text(14);
  row.metadata = s.Text(15);
  row.data = s.Text(16);
  row.result = s.Text(17);
  row.eff_data = s.IsNull(18) ? row.data : s.Text(18);
  row.handle = s.Text(19);
  row.handle_schema = static_cast<std::uint32_t>(s.Uint(20));
  return row;
}

/// NULL stands for the data that is shown: nearly always the effective one.
std::optional<std::string_view> StoredEffective(WorkloadRow const& row) {
  if (row.eff_data == row.data) return std::nullopt;
  return row.eff_data;
}

Result<bool> UpdateWorkload(Database& db, WorkloadRow const& row) {
  TRELLIS_CHECK(Run(db,
                    "UPDATE workload SET pos = ?, weight = ?, version = ?, state = ?, created = ?, "
                    "owned = ?, fails = ?, next_try = ?, eff_version = ?, message = ?, description "
                    "= ?, metadata = ?, data = ?, result = ?, eff_data = ?, handle = ?, "
                    "handle_schema = ? WHERE twin = ? AND contract = ? AND name = ?",
                    row.pos, row.weight, row.version, row.state, row.created, row.owned, row.fails,
                    row.next_try, row.eff_version, row.message, row.description, row.metadata,
                    row.data, row.result, StoredEffective(row), row.handle, row.handle_schema,
                    row.key.twin, row.key.contract, row.name));
  return db.Changes() > 0;
}

}  // namespace

Result<std::vector<WorkloadRow>> ListWorkloads(Database& db, DeploymentKey key) {
  return All(db,
             "SELECT " TRELLIS_WORKLOAD_COLUMNS
             " FROM workload WHERE twin = ? AND contract = ? ORDER BY pos, name",
             ReadWorkload, key.twin, key.contract);
}

Result<std::optional<WorkloadRow>> FindWorkload(Database& db, DeploymentKey key,
                                                std::string_view name) {
  return One(db,
             "SELECT " TRELLIS_WORKLOAD_COLUMNS
             " FROM workload WHERE twin = ? AND contract = ? AND name = ?",
             ReadWorkload, key.twin, key.contract, name);
}

Result<std::vector<std::pair<std::string, std::string>>> ListNames(Database& db,
                                                                   DeploymentKey key) {
  return All(
      db, "SELECT name, type FROM workload WHERE twin = ? AND contract = ? ORDER BY pos, name",
      [](Statement const& s) { return std::pair(s.Text(0), s.Text(1)); }, key.twin, key.contract);
}

Result<std::vector<WorkloadRow>> ListActiveByType(Database& db, std::uint32_t twin,
                                                  std::string_view type) {
#define TRELLIS_IN_ACTIVE                                                                     \
  "EXISTS (SELECT 1 FROM workload AS other WHERE other.twin = workload.twin AND "             \
  "other.contract = workload.contract AND other.state NOT IN ('error', 'deleted')) ORDER BY " \
  "contract, pos"
  if (twin == 0) {
    return All(db,
               "SELECT " TRELLIS_WORKLOAD_COLUMNS
               " FROM workload WHERE type = ? AND " TRELLIS_IN_ACTIVE,
               ReadWorkload, type);
  }
  // By way of the twin's deployments: there may be many more of the type.
  return All(db,
             "SELECT " TRELLIS_WORKLOAD_COLUMNS
             " FROM workload WHERE contract IN (SELECT contract FROM deployment WHERE twin = ?1) "
             "AND twin = ?1 AND +type = ?2 AND " TRELLIS_IN_ACTIVE,
             ReadWorkload, twin, type);
}

Result<void> InsertWorkload(Database& db, WorkloadRow const& row) {
  return Run(db,
             "INSERT INTO workload (" TRELLIS_WORKLOAD_COLUMNS
             ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
             row.key.twin, row.key.contract, row.name, row.type, row.pos, row.weight, row.version,
             row.state, row.created, row.owned, row.fails, row.next_try, row.eff_version,
             row.message, row.description, row.metadata, row.data, row.result, StoredEffective(row),
             row.handle, row.handle_schema);
}

Result<void> PutWorkload(Database& db, WorkloadRow const& row) {
  TRELLIS_TRY(bool const there, UpdateWorkload(db, row));
  return there ? Result<void>() : InsertWorkload(db, row);
}

Result<void> MarkOwned(Database& db, DeploymentKey key, std::string_view name) {
  return Run(db,
             "UPDATE workload SET owned = 1 WHERE twin = ? AND contract = ? AND name = ? AND owned "
             "= 0",
             key.twin, key.contract, name);
}

Result<void> MoveWorkload(Database& db, DeploymentKey key, std::string_view name,
                          std::uint32_t pos) {
  return Run(db, "UPDATE workload SET pos = ? WHERE twin = ? AND contract = ? AND name = ?", pos,
             key.twin, key.contract, name);
}

Result<void> EraseWorkload(Database& db, DeploymentKey key, std::string_view name) {
  TRELLIS_CHECK(EraseUses(db, key, name));
  return Run(db, "DELETE FROM workload WHERE twin = ? AND contract = ? AND name = ?", key.twin,
             key.contract, name);
}

Result<std::optional<std::uint64_t>> FindShared(Database& db, std::uint32_t twin,
                                                std::string_view name) {
  return One(
      db, "SELECT contract FROM shared WHERE twin = ? AND name = ?",
      [](Statement const& s) { return s.Uint(0); }, twin, name);
}

Result<void> PutShared(Database& db, DeploymentKey key, std::string_view name,
                       std::string_view type, std::uint32_t version) {
  return Run(db,
             "INSERT OR REPLACE INTO shared (twin, name, contract, type, version) VALUES "
             "(?,?,?,?,?)",
             key.twin, name, key.contract, type, version);
}

Result<void> EraseShared(Database& db, DeploymentKey key, std::string_view name,
                         std::uint32_t version) {
  return Run(db, "DELETE FROM shared WHERE twin = ? AND name = ? AND contract = ? AND version <= ?",
             key.twin, name, key.contract, version);
}

Result<std::vector<std::string>> ListShared(Database& db, DeploymentKey key) {
  return All(
      db, "SELECT name FROM shared WHERE twin = ? AND contract = ? ORDER BY name",
      [](Statement const& s) { return s.Text(0); }, key.twin, key.contract);
}

Result<void> PutUse(Database& db, DeploymentKey key, std::string_view name,
                    std::string_view shared_name) {
  return Run(db, "INSERT OR IGNORE INTO uses (twin, contract, name, shared_name) VALUES (?,?,?,?)",
             key.twin, key.contract, name, shared_name);
}

Result<std::vector<std::string>> ListUses(Database& db, DeploymentKey key) {
  return All(
      db,
      "SELECT DISTINCT shared_name FROM uses WHERE twin = ? AND contract = ? ORDER BY shared_name",
      [](Statement const& s) { return s.Text(0); }, key.twin, key.contract);
}

Result<void> EraseUses(Database& db, DeploymentKey key, std::string_view name) {
  return Run(db, "DELETE FROM uses WHERE twin = ? AND contract = ? AND name = ?", key.twin,
             key.contract, name);
}

Result<bool> UsedByLeaving(Database& db, DeploymentKey key, std::string_view name) {
  return Exists(db,
                "SELECT 1 FROM uses u JOIN deployment d ON d.twin = u.twin AND d.contract = "
                "u.contract WHERE u.twin = ? AND u.shared_name = ? AND u.contract <> ? AND "
                "d.desired = 'absent'",
                key.twin, name, key.contract);
}

}  // namespace trellis::store
