#include "kernel/store/shown.hpp"

#include "kernel/store/query.hpp"

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

// Not sorted by rank: SQLite would copy whole rows to do so.
Result<void> ShowWorkloads(Database& db, DeploymentKey key, ShowWorkload const& show) {
  return Each(
      db,
      "SELECT pos, version, created, name, type, data, metadata, description, state, message, "
      "result FROM workload WHERE twin = ? AND contract = ? ORDER BY name",
      [&](Statement const& s) { show(ReadShown(s)); }, key.twin, key.contract);
}

Result<void> ShowChanges(Database& db, DeploymentKey key, ShowWorkload const& show) {
  return Each(
      db,
      "SELECT c.seq, c.version, c.created, c.name, c.type, COALESCE(c.data, w.data, ''), "
      "COALESCE(c.metadata, w.metadata, ''), COALESCE(c.description, w.description, ''), c.state, "
      "c.message, COALESCE(c.result, w.result, '') FROM change c LEFT JOIN workload w ON w.twin = "
      "c.twin AND w.contract = c.contract AND w.name = c.name WHERE c.twin = ? AND c.contract = ? "
      "ORDER BY c.seq",
      [&](Statement const& s) { show(ReadShown(s)); }, key.twin, key.contract);
}

}  // namespace trellis::store
