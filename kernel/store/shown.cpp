#include "kernel/store/shown.hpp"

#include "kernel/store/query.hpp"
#include "kernel/store/workload_rows.hpp"

#include <algorithm>

namespace trellis::store {
namespace {

/// Columns: rank, version, created, name, type, data, metadata, description, state, message,
/// result.
ShownWorkload ReadShown(Statement const& s) {
  ShownWorkload shown;
  shown.rank = s.Int(0);
  shown.version = static_cast<std::uint32_t>(s.Uint(1));
  shown.created = s.Int(2);
  shown.name = s.View(3);
  shown.type = s.View(4);
  shown.data = s.View(5);
  shown.metadata = s.View(6);
  shown.description = s.View(7);
  shown.state = s.View(8);
  shown.message = s.View(9);
  shown.result = s.View(10);
  return shown;
}

template <class Show, class... Args>
Result<void> Each(Database& db, std::string_view sql, Show const& show, Args const&... args) {
  TRELLIS_TRY(auto* const statement, db.Cached(sql));
  statement->BindAll(args...);
  for (;;) {
    TRELLIS_TRY(bool const found, statement->Step());
    if (!found) break;
    show(std::as_const(*statement));
  }
  statement->Reset();
  return {};
}

}  // namespace

ShownWorkload Shown(WorkloadView const& view) {
  return {view.pos,      view.version,     view.created, view.name,    view.type,  view.data,
          view.metadata, view.description, view.state,   view.message, view.result};
}

ShownWorkload Shown(WorkloadRow const& row) {
  return {row.pos,      row.version,     row.created, row.name,    row.type,  row.data,
          row.metadata, row.description, row.state,   row.message, row.result};
}

Result<std::optional<std::string>> FindHeader(Database& db, DeploymentKey key) {
  return One(
      db, "SELECT header FROM deployment WHERE twin = ? AND contract = ?",
      [](Statement const& s) { return s.Text(0); }, key.twin, key.contract);
}

Result<void> ShowHeaders(Database& db, std::uint32_t twin, ShowHeader const& show) {
  return Each(
      db, "SELECT contract, header FROM deployment WHERE twin = ? ORDER BY contract",
      [&](Statement const& s) { show(s.Uint(0), s.View(1)); }, twin);
}

Result<void> ShowWorkloads(Database& db, DeploymentKey key, ShowWorkload const& show) {
  return ReadBody(db, key, [&](BodyHead const&, WorkloadView const* view) {
    if (view != nullptr) show(Shown(*view));
  });
}

Result<void> ShowChanges(Database& db, DeploymentKey key, ShowWorkload const& show) {
  std::uint64_t older = 0;
  TRELLIS_CHECK(ReadBody(db, key, [&](BodyHead const& head, WorkloadView const* view) {
    older = head.older;
    if (view == nullptr) return;
    auto shown = Shown(*view);
    for (auto const& entry : view->entries) {
      shown.rank = entry.seq;
      shown.created = entry.created;
      shown.state = entry.state;
      shown.message = entry.message;
      shown.result = entry.result;
      show(shown);
    }
  }));
  return older == 0 ? Result<void>() : ShowOlder(db, key, show);
}

Result<void> ShowOlder(Database& db, DeploymentKey key, ShowWorkload const& show) {
  return Each(
      db,
      "SELECT seq, version, created, name, type, data, metadata, description, state, message, "
      "result FROM change WHERE twin = ? AND contract = ? ORDER BY seq",
      [&](Statement const& s) { show(ReadShown(s)); }, key.twin, key.contract);
}

Result<std::vector<WorkloadRow>> ListChanges(Database& db, DeploymentKey key) {
  std::vector<std::pair<std::int64_t, WorkloadRow>> entries;
  TRELLIS_CHECK(ShowChanges(db, key, [&](ShownWorkload const& shown) {
    WorkloadRow row;
    row.key = key;
    row.name = shown.name;
    row.type = shown.type;
    row.version = shown.version;
    row.state = shown.state;
    row.created = shown.created;
    row.message = shown.message;
    row.result = shown.result;
    row.data = shown.data;
    row.metadata = shown.metadata;
    row.description = shown.description;
    entries.emplace_back(shown.rank, std::move(row));
  }));
  std::ranges::stable_sort(entries, {}, [](auto const& entry) { return entry.first; });
  std::vector<WorkloadRow> rows;
  rows.reserve(entries.size());
  for (auto& [seq, row] : entries)
    rows.push_back(std::move(row));
  return rows;
}

}  // namespace trellis::store
