#include "kernel/store/workload_set.hpp"

#include "kernel/store/query.hpp"
#include "kernel/store/shown.hpp"
#include "kernel/store/workload_rows.hpp"

#include <trellis/detail/json_literal.hpp>

#include <algorithm>
#include <map>

namespace trellis::store {
namespace {

constexpr std::int64_t kMaxTombstones = 1000;
constexpr std::int64_t kTombstoneSeconds = std::int64_t{24} * 3600;

std::span<std::uint8_t const> BytesOf(std::string_view text) {
  return {reinterpret_cast<std::uint8_t const*>(text.data()), text.size()};
}

bool WantSame(WorkloadView const& a, WorkloadView const& b) {
  return a.pos == b.pos && a.weight == b.weight && a.version == b.version && a.data == b.data &&
         a.metadata == b.metadata && a.description == b.description;
}

}  // namespace

Result<void> WorkloadSet::Load(Database& db) {
  if (loaded_) return {};
  TRELLIS_TRY(auto const id, One(
                                 db, kFindBody,
                                 [&](Statement const& s) {
                                   wanted_ = s.Text(0);
                                   status_ = s.Text(1);
                                   return s.Int(2);
                                 },
                                 key_.contract, key_.twin));
  if (id.has_value()) {
    id_ = *id;
    status_stored_ = !status_.empty();
    TRELLIS_CHECK(
        WalkBody(db, key_, {wanted_, status_}, [&](BodyHead const& head, WorkloadView const* view) {
          head_ = head;
          items_.reserve(head.workloads);
          if (view != nullptr) items_.push_back(*view);
        }));
  }
  for (auto const type : Types())
    types_.emplace_back(type);
  loaded_ = true;
  return {};
}

Result<void> WorkloadSet::Save(Database& db) {
  if (wanted_changed_ || (status_changed_ && id_ == 0)) TRELLIS_CHECK(SaveWanted(db));
  if (status_changed_) TRELLIS_CHECK(SaveStatus(db));
  return {};
}

Result<void> WorkloadSet::SaveWanted(Database& db) {
  std::ranges::stable_sort(items_, {}, &WorkloadView::pos);
  if (id_ == 0 && !items_.empty()) head_.created = items_.front().created;
  auto const text = PackWanted(head_, items_);
  if (id_ != 0) {
    TRELLIS_CHECK(Run(db, "UPDATE workloads SET body = ? WHERE id = ?", BytesOf(text), id_));
  } else {
    TRELLIS_CHECK(
        Run(db,
            "INSERT INTO workloads (id, body) SELECT id, ? FROM deployment WHERE contract "
            "= ? AND twin = ?",
            BytesOf(text), key_.contract, key_.twin));
    id_ = db.LastInsertId();
  }
  wanted_changed_ = false;
  status_changed_ = true;  // in the order of these
  return SaveTypes(db);
}

Result<void> WorkloadSet::SaveStatus(Database& db) {
  status_changed_ = false;
  if (!status_stored_ && AreFresh(head_, items_)) return {};
  std::int64_t okay = 0;
  std::int64_t newest = 0;
  for (auto const& item : items_) {
    if (!item.IsOkay()) continue;
    ++okay;
    newest = std::max(newest, item.created);
  }
  auto const text = PackStatus(head_, items_);
  TRELLIS_CHECK(Run(db,
                    status_stored_
                        ? "UPDATE status SET okay = ?, newest = ?, body = ? WHERE id = ?"
                        : "INSERT INTO status (okay, newest, body, id) VALUES (?, ?, ?, ?)",
                    okay, newest, BytesOf(text), id_));
  status_stored_ = true;
  return SaveOlder(db);
}

std::vector<std::string_view> WorkloadSet::Types() const {
  std::vector<std::string_view> types;
  types.reserve(items_.size());
  for (auto const& item : items_) {
    if (std::ranges::find(types, item.type) == types.end()) types.push_back(item.type);
  }
  return types;
}

/// The index of deployments by the types of their workloads.
Result<void> WorkloadSet::SaveTypes(Database& db) {
  auto const types = Types();
  for (auto const type : types) {
    if (std::ranges::find(types_, type) != types_.end()) continue;
    TRELLIS_CHECK(
        Run(db,
            "INSERT OR IGNORE INTO deployment_type (type, id) SELECT ?, id FROM deployment "
            "WHERE contract = ? AND twin = ?",
            type, key_.contract, key_.twin));
  }
  for (auto const& type : types_) {
    if (std::ranges::find(types, type) != types.end()) continue;
    TRELLIS_CHECK(Run(db,
                      "DELETE FROM deployment_type WHERE type = ? AND id = (SELECT id FROM "
                      "deployment WHERE contract = ? AND twin = ?)",
                      type, key_.contract, key_.twin));
  }
  types_.assign(types.begin(), types.end());
  return {};
}

WorkloadView* WorkloadSet::Get(std::string_view name) {
  auto const found = std::ranges::find(items_, name, &WorkloadView::name);
  return found == items_.end() ? nullptr : &*found;
}

void WorkloadSet::Put(WorkloadRow row) {
  status_changed_ = true;
  auto view = ViewOf(Keep(std::move(row)));
  auto* const item = Get(view.name);
  if (item == nullptr) {
    wanted_changed_ = true;
    items_.push_back(std::move(view));
    return;
  }
  if (!WantSame(*item, view)) wanted_changed_ = true;
  if (item->version != view.version) MoveOut(*item);
  view.type = item->type;
  view.entries = std::move(item->entries);
  *item = std::move(view);
}

void WorkloadSet::MarkOwned(std::string_view name) {
  auto* const item = Get(name);
  if (item == nullptr || item->owned) return;
  item->owned = true;
  status_changed_ = true;
}

void WorkloadSet::Move(std::string_view name, std::uint32_t pos) {
  auto* const item = Get(name);
  if (item == nullptr || item->pos == pos) return;
  item->pos = pos;
  wanted_changed_ = true;
}

Result<void> WorkloadSet::Erase(Database& db, std::string_view name) {
  TRELLIS_CHECK(EraseUses(db, key_, name));
  TRELLIS_CHECK(EraseReservation(db, key_, name));
  auto* const item = Get(name);
  if (item == nullptr) return {};
  MoveOut(*item);
  items_.erase(items_.begin() + (item - items_.data()));
  wanted_changed_ = true;
  return {};
}

Result<void> WorkloadSet::EraseDeployment(Database& db, std::int64_t now) {
  TRELLIS_TRY(auto const history, Epitaph(db));
  TRELLIS_CHECK(Run(db, "INSERT INTO tombstone (twin, contract, removed, history) VALUES (?,?,?,?)",
                    key_.twin, key_.contract, now, history));
  // Ids grow with time: the oldest few are enough to look at.
  TRELLIS_CHECK(Run(db,
                    "DELETE FROM tombstone WHERE id IN (SELECT id FROM tombstone ORDER BY id LIMIT "
                    "4) AND (id <= ? OR removed < ?)",
                    db.LastInsertId() - kMaxTombstones, now - kTombstoneSeconds));
  items_.clear();
  TRELLIS_CHECK(SaveTypes(db));
  wanted_changed_ = false;
  status_changed_ = false;
  return Run(db, "DELETE FROM deployment WHERE twin = ? AND contract = ?", key_.twin,
             key_.contract);
}

/// What remains of the history: who, when and why, but no data.
Result<std::string> WorkloadSet::Epitaph(Database& db) const {
  std::map<std::int64_t, std::string> lines;
  auto const add = [&](std::int64_t seq, ShownWorkload const& shown) {
    auto& line = lines[seq];
    line += R"({"type":)";
    json::AppendQuoted(line, shown.type);
    line += R"(,"name":)";
    json::AppendQuoted(line, shown.name);
    line += fmt::format(R"(,"version":{},"result":{{"created":{},"state":)", shown.version,
                        shown.created);
    json::AppendQuoted(line, shown.state);
    line += R"(,"message":)";
    json::AppendQuoted(line, shown.message);
    line += "}}";
  };
  if (head_.older > older_.size()) {
    TRELLIS_CHECK(ShowOlder(db, key_, [&](ShownWorkload const& shown) { add(shown.rank, shown); }));
  }
  for (auto const& [seq, row] : older_)
    add(seq, Shown(row));
  for (auto const& item : items_) {
    auto shown = Shown(item);
    for (auto const& entry : item.entries) {
      shown.created = entry.created;
      shown.state = entry.state;
      shown.message = entry.message;
      add(entry.seq, shown);
    }
  }
  std::string history = "[";
  for (auto const& [seq, line] : lines) {
    if (history.size() > 1) history += ',';
    history += line;
  }
  return history + "]";
}

}  // namespace trellis::store
