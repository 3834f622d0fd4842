#include "kernel/store/old_workloads.hpp"

#include "kernel/store/query.hpp"
#include "kernel/store/workload_format1.hpp"
#include "kernel/store/workload_rows.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace trellis::store {
namespace {

struct Place {
  std::int64_t id = 0;
  DeploymentKey key;
};

struct Entry {
  std::string name;
  std::int64_t seq = 0;
  std::string state;
  std::int64_t created = 0;
  std::string message;
  std::optional<std::string> result;  // empty: the workload's
};

WorkloadRow ReadWorkload(Statement const& s) {
  WorkloadRow row;
  row.name = s.Text(0);
  row.type = s.Text(1);
  row.pos = static_cast<std::uint32_t>(s.Uint(2));
  row.weight = s.Int(3);
  row.version = static_cast<std::uint32_t>(s.Uint(4));
  row.state = s.Text(5);
  row.created = s.Int(6);
  row.owned = s.Int(7) != 0;
  row.fails = static_cast<std::uint32_t>(s.Uint(8));
  row.next_try = s.Int(9);
  if (!s.IsNull(10)) row.eff_version = static_cast<std::uint32_t>(s.Uint(10));
  row.message = s.Text(11);
  row.description = s.Text(12);
  row.metadata = s.Text(13);
  row.data = s.Text(14);
  row.result = s.Text(15);
  row.eff_data = s.IsNull(16) ? row.data : SharedText(s.Text(16));
  row.handle = s.Text(17);
  row.handle_schema = static_cast<std::uint32_t>(s.Uint(18));
  return row;
}

Entry ReadEntry(Statement const& s) {
  Entry entry{s.Text(0), s.Int(1), s.Text(2), s.Int(3), s.Text(4), {}};
  if (!s.IsNull(5)) entry.result = s.Text(5);
  return entry;
}

WorkloadView ViewWith(std::vector<Entry> const& entries, WorkloadRow const& row) {
  auto view = ViewOf(row);
  for (auto const& entry : entries) {
    if (entry.name != row.name) continue;
    view.entries.push_back({entry.seq, entry.created, entry.state, entry.message,
                            entry.result.has_value() ? *entry.result : row.result.str()});
  }
  return view;
}

std::vector<std::uint8_t> BytesOf(std::string const& text) {
  return {text.begin(), text.end()};
}

Result<BodyHead> HeadOf(Database& db, DeploymentKey key) {
  TRELLIS_TRY(auto const head,
              One(
                  db,
                  "SELECT COALESCE(MAX(seq), 0), COUNT(data) FROM change WHERE twin = ? AND "
                  "contract = ?",
                  [](Statement const& s) {
                    return BodyHead{0, s.Int(0), s.Uint(1), 0};
                  },
                  key.twin, key.contract));
  return head.value_or(BodyHead{});
}

Result<void> Gather(Database& db, Place const& place) {
  TRELLIS_TRY(auto const rows,
              All(db,
                  "SELECT name, type, pos, weight, version, state, created, owned, fails, "
                  "next_try, eff_version, message, description, metadata, data, result, eff_data, "
                  "handle, handle_schema FROM workload WHERE twin = ? AND contract = ? ORDER BY "
                  "pos, name",
                  ReadWorkload, place.key.twin, place.key.contract));
  TRELLIS_TRY(auto const entries,
              All(db,
                  "SELECT name, seq, state, created, message, result FROM change WHERE twin = ? "
                  "AND contract = ? AND data IS NULL ORDER BY seq",
                  ReadEntry, place.key.twin, place.key.contract));
  TRELLIS_TRY(auto head, HeadOf(db, place.key));
  head.workloads = rows.size();
  std::vector<WorkloadView> views;
  std::int64_t okay = 0;
  std::int64_t newest = 0;
  std::set<std::string_view> types;
  for (auto const& row : rows) {
    views.push_back(ViewWith(entries, row));
    types.insert(row.type);
    if (!row.IsOkay()) continue;
    ++okay;
    newest = std::max(newest, row.created);
  }
  auto const bytes = BytesOf(PackFormat1(head, views));
  TRELLIS_CHECK(Run(db, "INSERT INTO workloads (id, okay, newest, body) VALUES (?,?,?,?)", place.id,
                    okay, newest, bytes));
  for (auto const type : types)
    TRELLIS_CHECK(Run(db, "INSERT INTO deployment_type (type, id) VALUES (?,?)", type, place.id));
  return {};
}

Result<void> Split(Database& db, std::int64_t id) {
  struct Stored {
    std::int64_t okay = 0;
    std::int64_t newest = 0;
    std::string body;
  };
  TRELLIS_TRY(auto const found, One(
                                    db, "SELECT okay, newest, body FROM workloads WHERE id = ?",
                                    [](Statement const& s) {
                                      return Stored{s.Int(0), s.Int(1), s.Text(2)};
                                    },
                                    id));
  auto const stored = found.value_or(Stored{});
  TRELLIS_TRY(auto body, ReadFormat1(stored.body));
  if (!body.views.empty()) body.head.created = body.views.front().created;
  TRELLIS_CHECK(Run(db, "INSERT INTO new_workloads (id, body) VALUES (?,?)", id,
                    BytesOf(PackWanted(body.head, body.views))));
  if (AreFresh(body.head, body.views)) return {};
  return Run(db, "INSERT INTO status (id, okay, newest, body) VALUES (?,?,?,?)", id, stored.okay,
             stored.newest, BytesOf(PackStatus(body.head, body.views)));
}

}  // namespace

Result<void> GatherWorkloads(Database& db) {
  TRELLIS_TRY(
      auto const places,
      All(db, "SELECT id, twin, contract FROM deployment ORDER BY id", [](Statement const& s) {
        return Place{s.Int(0), {static_cast<std::uint32_t>(s.Uint(1)), s.Uint(2)}};
      }));
  for (auto const& place : places)
    TRELLIS_CHECK(Gather(db, place));
  return {};
}

Result<void> SplitWorkloads(Database& db) {
  TRELLIS_TRY(auto const ids, All(db, "SELECT id FROM workloads ORDER BY id",
                                  [](Statement const& s) { return s.Int(0); }));
  for (auto const id : ids)
    TRELLIS_CHECK(Split(db, id));
  return {};
}

}  // namespace trellis::store
