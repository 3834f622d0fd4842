// The visible history of workloads: bounded and collapsed, so that clients that count entries keep
// working. Entries of a workload's present version lie with it in the deployment's body; those of
// earlier versions, refused updates and erased workloads have rows of their own.
#include "kernel/base/fail_point.hpp"
#include "kernel/store/query.hpp"
#include "kernel/store/workload_rows.hpp"
#include "kernel/store/workload_set.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace trellis::store {

Result<std::vector<WorkloadSet::Known>> WorkloadSet::History(Database& db,
                                                             std::string_view name) const {
  std::vector<Known> entries;
  if (head_.older > older_.size()) {
    TRELLIS_TRY(entries,
                All(
                    db,
                    "SELECT seq, name, version, state FROM change WHERE twin = ?1 AND contract = "
                    "?2 AND (?3 = '' OR name = ?3) ORDER BY seq",
                    [](Statement const& s) {
                      return Known{s.Int(0), s.Text(1), static_cast<std::uint32_t>(s.Uint(2)),
                                   s.Text(3), true};
                    },
                    key_.twin, key_.contract, name));
  }
  for (auto const& [seq, row] : older_) {
    if (name.empty() || row.name == name)
      entries.push_back({seq, row.name, row.version, row.state, true});
  }
  for (auto const& item : items_) {
    if (!name.empty() && item.name != name) continue;
    for (auto const& entry : item.entries)
      entries.push_back(
          {entry.seq, std::string(item.name), item.version, std::string(entry.state), false});
  }
  std::ranges::sort(entries, {}, &Known::seq);
  return entries;
}

Result<void> WorkloadSet::Drop(Database& db, Known const& entry) {
  status_changed_ = true;
  if (!entry.older) {
    std::erase_if(Get(entry.name)->entries,
                  [&](EntryView const& own) { return own.seq == entry.seq; });
    return {};
  }
  --head_.older;
  if (std::erase_if(older_, [&](Older const& own) { return own.seq == entry.seq; }) > 0) return {};
  return Run(db, "DELETE FROM change WHERE twin = ? AND contract = ? AND seq = ?", key_.twin,
             key_.contract, entry.seq);
}

void WorkloadSet::MoveOut(WorkloadView& workload) {
  auto const row = RowOf(key_, workload);
  for (auto const& entry : workload.entries) {
    auto& shown = older_.emplace_back(Older{entry.seq, row}).shown;
    shown.state = entry.state;
    shown.created = entry.created;
    shown.message = entry.message;
    shown.result = entry.result;
  }
  head_.older += workload.entries.size();
  workload.entries.clear();
}

Result<void> WorkloadSet::SaveOlder(Database& db) {
  for (auto const& [seq, shown] : older_) {
    TRELLIS_CHECK(Run(db,
                      "INSERT INTO change (twin, contract, seq, name, type, version, state, "
                      "created, message, result, data, metadata, description) VALUES "
                      "(?,?,?,?,?,?,?,?,?,?,?,?,?)",
                      key_.twin, key_.contract, seq, shown.name, shown.type, shown.version,
                      shown.state, shown.created, shown.message, shown.result, shown.data,
                      shown.metadata, shown.description));
  }
  older_.clear();
  return {};
}

void WorkloadSet::Append(WorkloadRow const& row) {
  auto* const item = Get(row.name);
  auto const seq = ++head_.last_seq;
  // A refused update may have had the same version with other data.
  if (item == nullptr || item->version != row.version || item->data != row.data ||
      item->metadata != row.metadata || item->description != row.description) {
    older_.push_back({seq, row});
    ++head_.older;
    return;
  }
  item->entries.push_back(EntryOf(seq, *item, row));
}

/// Borrows from the workload when it shows the same, as it does when it was put just before.
EntryView WorkloadSet::EntryOf(std::int64_t seq, WorkloadView const& item, WorkloadRow const& row) {
  if (item.state == row.state && item.message == row.message && item.result == row.result)
    return {seq, row.created, item.state, item.message, item.result};
  auto const& kept = Keep(row);
  return {seq, kept.created, kept.state, kept.message, kept.result};
}

Result<void> WorkloadSet::Replace(Database& db, WorkloadRow const& row, Known const& known) {
  if (!known.older) {
    auto& item = *Get(row.name);
    *std::ranges::find(item.entries, known.seq, &EntryView::seq) = EntryOf(known.seq, item, row);
    return {};
  }
  auto const waiting = std::ranges::find(older_, known.seq, &Older::seq);
  if (waiting == older_.end())
    return Run(db,
               "UPDATE change SET created = ?, message = ?, result = ? WHERE twin = ? AND contract "
               "= ? AND seq = ?",
               row.created, row.message, row.result, key_.twin, key_.contract, known.seq);
  waiting->shown.created = row.created;
  waiting->shown.message = row.message;
  waiting->shown.result = row.result;
  return {};
}

Result<void> WorkloadSet::AddChange(Database& db, WorkloadRow const& row,
                                    HistoryLimits const& limits) {
  status_changed_ = true;
  TRELLIS_TRY(auto const entries, History(db, row.name));
  auto const same = [&](Known const& entry, std::string_view state) {
    return entry.version == row.version && entry.state == state;
  };
  if (!entries.empty() && same(entries.back(), row.state)) return Replace(db, row, entries.back());
  bool const again = row.state == "ok" &&
                     std::ranges::any_of(entries, [&](auto const& e) { return same(e, "ok"); });
  for (auto const& entry : entries) {
    if (again && entry.version == row.version && entry.state != "init")
      TRELLIS_CHECK(Drop(db, entry));
  }
  if (!again) TRELLIS_CHECK(TrimWorkload(db, entries, row.version, limits.workload));
  Append(row);
  return TrimDeployment(db, limits.deployment);
}

/// Drops the oldest entries of one workload above the limit, never the newest nor `init` of the
/// present version. One more entry is about to follow.
Result<void> WorkloadSet::TrimWorkload(Database& db, std::vector<Known> const& entries,
                                       std::uint32_t version, std::int64_t limit) {
  auto surplus = static_cast<std::int64_t>(entries.size()) + 1 - limit;
  for (auto const& entry : entries) {
    if (surplus <= 0) break;
    if (entry.state == "init" && entry.version == version) continue;
    TRELLIS_CHECK(Drop(db, entry));
    --surplus;
  }
  return {};
}

Result<void> WorkloadSet::TrimDeployment(Database& db, std::int64_t limit) {
  auto count = static_cast<std::int64_t>(head_.older);
  for (auto const& item : items_)
    count += static_cast<std::int64_t>(item.entries.size());
  auto surplus = count - limit;
  if (surplus <= 0) return {};
  TRELLIS_TRY(auto const entries, History(db, ""));
  auto const spared = Spared(entries);
  for (auto const& entry : entries) {
    if (surplus <= 0) break;
    if (std::ranges::binary_search(spared, entry.seq)) continue;
    TRELLIS_CHECK(Drop(db, entry));
    --surplus;
  }
  return {};
}

/// What the deployment's bound must not take: of each active workload the newest entry and `init`
/// of the present version. Ascending.
std::vector<std::int64_t> WorkloadSet::Spared(std::vector<Known> const& entries) const {
  std::map<std::string_view, std::uint32_t> versions;
  for (auto const& item : items_)
    versions.emplace(item.name, item.version);
  std::map<std::string_view, std::int64_t> newest;
  std::set<std::int64_t> spared;
  for (auto const& entry : entries) {
    auto const found = versions.find(entry.name);
    if (found == versions.end()) continue;
    newest[found->first] = entry.seq;
    if (entry.state == "init" && entry.version == found->second) spared.insert(entry.seq);
  }
  for (auto const& [name, seq] : newest)
    spared.insert(seq);
  return {spared.begin(), spared.end()};
}

Result<void> WorkloadSet::CompactChanges(Database& db, std::span<NameVersion const> untouched) {
  if (untouched.empty()) return {};
  std::map<std::string_view, std::uint32_t> const versions(untouched.begin(), untouched.end());
  TRELLIS_TRY(auto const entries, History(db, ""));
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
    TRELLIS_CHECK(Drop(db, entry));
    TRELLIS_FAIL_POINT("history.compact");
  }
  return {};
}

}  // namespace trellis::store
