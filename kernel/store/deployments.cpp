// Deployments, workloads and sharable names.
#include "kernel/store/records.hpp"

namespace trellis::store {
namespace {

constexpr std::int64_t kMaxTombstones = 1000;
constexpr std::int64_t kTombstoneSeconds = 24 * 3600;

std::string_view DesiredText(Desired desired) {
  switch (desired) {
    case Desired::kPresent:
      return "present";
    case Desired::kPaused:
      return "paused";
    case Desired::kAbsent:
      return "absent";
  }
  return "present";
}

Desired DesiredFrom(std::string_view text) {
  if (text == "paused") return Desired::kPaused;
  if (text == "absent") return Desired::kAbsent;
  return Desired::kPresent;
}

#define TRELLIS_DEPLOYMENT_COLUMNS \
  "twin, contract, version, hash, doc, desired, validated, created, updated, message"
#define TRELLIS_WORKLOAD_COLUMNS                                                            \
  "twin, contract, name, type, pos, version, data, description, metadata, state, message, " \
  "created, result, "                                                                       \
  "eff_version, eff_data, handle, handle_schema, owned, fails, next_try"

DeploymentRow ReadDeployment(Statement const& s) {
  DeploymentRow row;
  row.key = {static_cast<std::uint32_t>(s.Uint(0)), s.Uint(1)};
  row.version = static_cast<std::uint32_t>(s.Uint(2));
  row.hash = s.Text(3);
  row.doc = s.Text(4);
  row.desired = DesiredFrom(s.Text(5));
  row.validated = s.Int(6) != 0;
  row.created = s.Int(7);
  row.updated = s.Int(8);
  row.message = s.Text(9);
  return row;
}

WorkloadRow ReadWorkload(Statement const& s) {
  WorkloadRow row;
  row.key = {static_cast<std::uint32_t>(s.Uint(0)), s.Uint(1)};
  row.name = s.Text(2);
  row.type = s.Text(3);
  row.pos = static_cast<std::uint32_t>(s.Uint(4));
  row.version = static_cast<std::uint32_t>(s.Uint(5));
  row.data = s.Text(6);
  row.description = s.Text(7);
  row.metadata = s.Text(8);
  row.state = s.Text(9);
  row.message = s.Text(10);
  row.created = s.Int(11);
  row.result = s.Text(12);
  if (!s.IsNull(13)) row.eff_version = static_cast<std::uint32_t>(s.Uint(13));
  row.eff_data = s.Text(14);
  row.handle = s.Text(15);
  row.handle_schema = static_cast<std::uint32_t>(s.Uint(16));
  row.owned = s.Int(17) != 0;
  row.fails = static_cast<std::uint32_t>(s.Uint(18));
  row.next_try = s.Int(19);
  return row;
}

template <class Row, class Read>
Result<std::vector<Row>> All(Statement& statement, Read read) {
  std::vector<Row> rows;
  while (true) {
    TRELLIS_TRY(bool const more, statement.Step());
    if (!more) break;
    rows.push_back(read(statement));
  }
  statement.Reset();
  return rows;
}

template <class Row, class Read>
Result<std::optional<Row>> One(Statement& statement, Read read) {
  TRELLIS_TRY(bool const found, statement.Step());
  std::optional<Row> row;
  if (found) row = read(statement);
  statement.Reset();
  return row;
}

}  // namespace

Result<std::optional<DeploymentRow>> FindDeployment(Database& db, DeploymentKey key) {
  TRELLIS_TRY(auto* s, db.Cached("SELECT " TRELLIS_DEPLOYMENT_COLUMNS
                                 " FROM deployment WHERE twin = ? AND contract = ?"));
  return One<DeploymentRow>(s->BindAll(key.twin, key.contract), ReadDeployment);
}

Result<std::vector<DeploymentRow>> ListDeployments(Database& db,
                                                   std::optional<std::uint32_t> twin) {
  if (twin.has_value()) {
    TRELLIS_TRY(auto* s, db.Cached("SELECT " TRELLIS_DEPLOYMENT_COLUMNS
                                   " FROM deployment WHERE twin = ? ORDER BY contract"));
    return All<DeploymentRow>(s->BindAll(*twin), ReadDeployment);
  }
  TRELLIS_TRY(auto* s,
              db.Cached("SELECT " TRELLIS_DEPLOYMENT_COLUMNS " FROM deployment ORDER BY contract"));
  return All<DeploymentRow>(*s, ReadDeployment);
}

Result<void> PutDeployment(Database& db, DeploymentRow const& row) {
  TRELLIS_TRY(auto* s,
              db.Cached("INSERT INTO deployment (" TRELLIS_DEPLOYMENT_COLUMNS
                        ") VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (twin, contract) DO UPDATE SET "
                        "version = excluded.version, hash = excluded.hash, doc = excluded.doc, "
                        "desired = excluded.desired, validated = excluded.validated, "
                        "updated = excluded.updated, message = excluded.message"));
  return s
      ->BindAll(row.key.twin, row.key.contract, row.version, row.hash, row.doc,
                DesiredText(row.desired), row.validated, row.created, row.updated, row.message)
      .Run();
}

Result<void> EraseDeployment(Database& db, DeploymentKey key, std::int64_t now) {
  TRELLIS_TRY(auto const history, ListChanges(db, key));
  auto const text = fmt::format("[{}]", fmt::join(history, ","));
  TRELLIS_TRY(
      auto* grave,
      db.Cached(
          "INSERT OR REPLACE INTO tombstone (twin, contract, removed, history) VALUES (?,?,?,?)"));
  TRELLIS_CHECK(grave->BindAll(key.twin, key.contract, now, text).Run());
  TRELLIS_TRY(
      auto* old,
      db.Cached("DELETE FROM tombstone WHERE removed < ? OR (twin, contract) IN "
                "(SELECT twin, contract FROM tombstone ORDER BY removed DESC LIMIT -1 OFFSET ?)"));
  TRELLIS_CHECK(old->BindAll(now - kTombstoneSeconds, kMaxTombstones).Run());
  TRELLIS_TRY(auto* s, db.Cached("DELETE FROM deployment WHERE twin = ? AND contract = ?"));
  return s->BindAll(key.twin, key.contract).Run();
}

Result<DeploymentCounts> CountDeployments(Database& db, std::uint32_t twin) {
  TRELLIS_TRY(auto* s, db.Cached("SELECT (SELECT COUNT(*) FROM deployment WHERE twin = ?), (SELECT "
                                 "COUNT(*) FROM deployment)"));
  TRELLIS_TRY(bool const found, s->BindAll(twin).Step());
  DeploymentCounts counts;
  if (found) counts = {s->Int(0), s->Int(1)};
  s->Reset();
  return counts;
}

Result<std::vector<WorkloadRow>> ListWorkloads(Database& db, DeploymentKey key) {
  TRELLIS_TRY(auto* s,
              db.Cached("SELECT " TRELLIS_WORKLOAD_COLUMNS
                        " FROM workload WHERE twin = ? AND contract = ? ORDER BY pos, name"));
  return All<WorkloadRow>(s->BindAll(key.twin, key.contract), ReadWorkload);
}

Result<std::optional<WorkloadRow>> FindWorkload(Database& db, DeploymentKey key,
                                                std::string_view name) {
  TRELLIS_TRY(auto* s, db.Cached("SELECT " TRELLIS_WORKLOAD_COLUMNS
                                 " FROM workload WHERE twin = ? AND contract = ? AND name = ?"));
  return One<WorkloadRow>(s->BindAll(key.twin, key.contract, name), ReadWorkload);
}

Result<std::vector<WorkloadRow>> ListWorkloadsByType(Database& db, std::string_view type) {
  TRELLIS_TRY(auto* s, db.Cached("SELECT " TRELLIS_WORKLOAD_COLUMNS
                                 " FROM workload WHERE type = ? ORDER BY contract, pos"));
  return All<WorkloadRow>(s->BindAll(type), ReadWorkload);
}

Result<std::vector<WorkloadRow>> ListAllWorkloads(Database& db) {
  TRELLIS_TRY(auto* s, db.Cached("SELECT " TRELLIS_WORKLOAD_COLUMNS
                                 " FROM workload ORDER BY contract, pos"));
  return All<WorkloadRow>(*s, ReadWorkload);
}

Result<void> PutWorkload(Database& db, WorkloadRow const& row) {
  TRELLIS_TRY(
      auto* s,
      db.Cached(
          "INSERT INTO workload (" TRELLIS_WORKLOAD_COLUMNS
          ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (twin, contract, name) "
          "DO UPDATE SET "
          "type = excluded.type, pos = excluded.pos, version = excluded.version, data = "
          "excluded.data, "
          "description = excluded.description, metadata = excluded.metadata, state = "
          "excluded.state, "
          "message = excluded.message, created = excluded.created, result = excluded.result, "
          "eff_version = excluded.eff_version, eff_data = excluded.eff_data, handle = "
          "excluded.handle, "
          "handle_schema = excluded.handle_schema, owned = excluded.owned, fails = excluded.fails, "
          "next_try = excluded.next_try"));
  return s
      ->BindAll(row.key.twin, row.key.contract, row.name, row.type, row.pos, row.version, row.data,
                row.description, row.metadata, row.state, row.message, row.created, row.result,
                row.eff_version, row.eff_data, row.handle, row.handle_schema, row.owned, row.fails,
                row.next_try)
      .Run();
}

Result<void> EraseWorkload(Database& db, DeploymentKey key, std::string_view name) {
  TRELLIS_CHECK(EraseUses(db, key, name));
  TRELLIS_TRY(auto* s,
              db.Cached("DELETE FROM workload WHERE twin = ? AND contract = ? AND name = ?"));
  return s->BindAll(key.twin, key.contract, name).Run();
}

Result<std::optional<std::uint64_t>> FindShared(Database& db, std::uint32_t twin,
                                                std::string_view name) {
  TRELLIS_TRY(auto* s, db.Cached("SELECT contract FROM shared WHERE twin = ? AND name = ?"));
  return One<std::uint64_t>(s->BindAll(twin, name),
                            [](Statement const& row) { return row.Uint(0); });
}

Result<void> PutShared(Database& db, DeploymentKey key, std::string_view name,
                       std::string_view type) {
  TRELLIS_TRY(
      auto* s,
      db.Cached("INSERT OR REPLACE INTO shared (twin, name, contract, type) VALUES (?,?,?,?)"));
  return s->BindAll(key.twin, name, key.contract, type).Run();
}

Result<void> EraseShared(Database& db, DeploymentKey key, std::string_view name) {
  TRELLIS_TRY(auto* s,
              db.Cached("DELETE FROM shared WHERE twin = ? AND name = ? AND contract = ?"));
  return s->BindAll(key.twin, name, key.contract).Run();
}

Result<void> PutUse(Database& db, DeploymentKey key, std::string_view name,
                    std::string_view shared_name) {
  TRELLIS_TRY(
      auto* s,
      db.Cached("INSERT OR IGNORE INTO uses (twin, contract, name, shared_name) VALUES (?,?,?,?)"));
  return s->BindAll(key.twin, key.contract, name, shared_name).Run();
}

Result<std::vector<std::string>> ListUses(Database& db, DeploymentKey key) {
  TRELLIS_TRY(auto* s, db.Cached("SELECT DISTINCT shared_name FROM uses WHERE twin = ? AND "
                                 "contract = ? ORDER BY shared_name"));
  return All<std::string>(s->BindAll(key.twin, key.contract),
                          [](Statement const& row) { return row.Text(0); });
}

Result<void> EraseUses(Database& db, DeploymentKey key, std::string_view name) {
  TRELLIS_TRY(auto* s, db.Cached("DELETE FROM uses WHERE twin = ? AND contract = ? AND name = ?"));
  return s->BindAll(key.twin, key.contract, name).Run();
}

}  // namespace trellis::store
