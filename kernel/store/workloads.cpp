// Workloads and sharable names.
#include "kernel/store/listings.hpp"
#include "kernel/store/query.hpp"
#include "kernel/store/records.hpp"
#include "kernel/store/workload_rows.hpp"

#include <algorithm>

namespace trellis::store {
namespace {

/// Takes what is walked, without the history, which nobody asked for.
auto Into(std::vector<WorkloadRow>& rows, DeploymentKey key) {
  return [&rows, key](BodyHead const& head, WorkloadView const* view) {
    rows.reserve(head.workloads);
    if (view != nullptr) rows.push_back(RowOf(key, *view));
  };
}

}  // namespace

bool IsActive(std::vector<WorkloadRow> const& rows) {
  return std::ranges::any_of(
      rows, [](auto const& row) { return row.state != "error" && row.state != "deleted"; });
}

WorkloadView ViewOf(WorkloadRow const& row) {
  WorkloadView view;
  view.name = row.name;
  view.type = row.type;
  view.pos = row.pos;
  view.weight = row.weight;
  view.version = row.version;
  view.data = row.data;
  view.description = row.description;
  view.metadata = row.metadata;
  view.state = row.state;
  view.message = row.message;
  view.created = row.created;
  view.result = row.result;
  view.eff_version = row.eff_version;
  view.eff_data = row.eff_data;
  view.handle = row.handle;
  view.handle_schema = row.handle_schema;
  view.owned = row.owned;
  view.fails = row.fails;
  view.next_try = row.next_try;
  return view;
}

WorkloadRow RowOf(DeploymentKey key, WorkloadView const& view) {
  WorkloadRow row;
  row.key = key;
  row.name = view.name;
  row.type = view.type;
  row.pos = view.pos;
  row.weight = view.weight;
  row.version = view.version;
  row.data = view.data;
  row.description = view.description;
  row.metadata = view.metadata;
  row.state = view.state;
  row.message = view.message;
  row.created = view.created;
  row.result = view.result;
  row.eff_version = view.eff_version;
  row.eff_data = view.eff_data == view.data ? row.data : SharedText(view.eff_data);
  row.handle = view.handle;
  row.handle_schema = view.handle_schema;
  row.owned = view.owned;
  row.fails = view.fails;
  row.next_try = view.next_try;
  return row;
}

Result<std::vector<WorkloadRow>> ListWorkloads(Database& db, DeploymentKey key) {
  std::vector<WorkloadRow> rows;
  TRELLIS_CHECK(ReadBody(db, key, Into(rows, key)));
  return rows;
}

Result<std::optional<WorkloadRow>> FindWorkload(Database& db, DeploymentKey key,
                                                std::string_view name) {
  std::optional<WorkloadRow> row;
  TRELLIS_CHECK(ReadBody(db, key, [&](BodyHead const&, WorkloadView const* view) {
    if (view != nullptr && view->name == name) row = RowOf(key, *view);
  }));
  return row;
}

Result<std::vector<std::pair<std::string, std::string>>> ListNames(Database& db,
                                                                   DeploymentKey key) {
  std::vector<std::pair<std::string, std::string>> names;
  TRELLIS_CHECK(ReadBody(db, key, [&](BodyHead const& head, WorkloadView const* view) {
    names.reserve(head.workloads);
    if (view != nullptr) names.emplace_back(view->name, view->type);
  }));
  return names;
}

Result<std::vector<WorkloadRow>> ListActiveByType(Database& db, std::uint32_t twin,
                                                  std::string_view type) {
  static constexpr std::string_view kOfAll =
      "SELECT d.twin, d.contract, w.body, s.body FROM deployment_type t JOIN deployment d ON d.id "
      "= "
      "t.id JOIN workloads w ON w.id = t.id LEFT JOIN status s ON s.id = t.id WHERE t.type = ?1 "
      "ORDER BY d.contract";
  // By way of the twin's deployments: there may be many more of the type.
  static constexpr std::string_view kOfTwin =
      "SELECT d.twin, d.contract, w.body, s.body FROM deployment d JOIN workloads w ON w.id = d.id "
      "LEFT JOIN status s ON s.id = d.id WHERE d.twin = ?2 AND EXISTS (SELECT 1 FROM "
      "deployment_type t WHERE t.type = ?1 AND t.id = d.id) ORDER BY d.contract";
  std::vector<WorkloadRow> found;
  auto const take = [&](Statement const& s) -> Result<void> {
    DeploymentKey const key{static_cast<std::uint32_t>(s.Uint(0)), s.Uint(1)};
    std::vector<WorkloadRow> rows;
    TRELLIS_CHECK(WalkBody(db, key, BodyAt(s, 2), Into(rows, key)));
    if (!IsActive(rows)) return {};
    for (auto& row : rows) {
      if (row.type == type) found.push_back(std::move(row));
    }
    return {};
  };
  TRELLIS_TRY(auto const done,
              twin == 0 ? All(db, kOfAll, take, type) : All(db, kOfTwin, take, type, twin));
  for (auto const& each : done)
    TRELLIS_CHECK(each);
  return found;
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
