#include "kernel/engine/orphans.hpp"

#include "kernel/base/log.hpp"
#include "kernel/engine/effects.hpp"
#include "kernel/grid/names.hpp"
#include "kernel/store/journal_stats.hpp"
#include "kernel/store/schema.hpp"

namespace trellis::engine {
namespace {

/// "1" once what the store does not know may be removed; a new store does not have it.
constexpr char const* kConfirmed = "orphans_confirmed";
constexpr std::chrono::seconds kApart(60);
constexpr std::size_t kMaxFound = 10000;  // the next rounds see the rest

/// Is there a workload that may own something under this id?
Result<bool> IsOwned(store::Database& db, grid::WorkloadId const& id) {
  TRELLIS_TRY(auto const row, store::FindWorkload(db, {id.twin, id.contract}, id.name));
  if (!row.has_value() || row->owned) return row.has_value();
  TRELLIS_TRY(auto const held, store::ListHeld(db, row->key));
  return held.contains(row->name);
}

}  // namespace

Result<std::vector<Orphans::Found>> Orphans::Find() {
  std::vector<Found> found;
  for (auto const& type : context_.plugins.Types()) {
    if (!type.available) continue;
    auto const owned = context_.plugins.ListOwned(type.name);
    if (!owned) continue;  // no conclusion
    TRELLIS_CHECK(context_.readers.Run([&](store::Database& db) -> Result<void> {
      for (auto const& text : *owned) {
        auto const id = grid::WorkloadId::Parse(text);
        if (!id || found.size() >= kMaxFound) continue;
        TRELLIS_TRY(bool const known, IsOwned(db, *id));
        if (!known) found.push_back({text, type.name});
      }
      return {};
    }));
  }
  return found;
}

Result<Orphans::May> Orphans::MayRemove(bool any) {
  auto const now = context_.clock.UnixSeconds();
  TRELLIS_TRY(auto const stats, context_.readers.Run([&](store::Database& db) {
    return store::ReadJournalStats(db, now);
  }));
  if (stats.jobs.contains(store::JobKind::kRestore)) return May::kNotYet;
  TRELLIS_TRY(auto const confirmed, context_.readers.Run([](store::Database& db) {
    return store::GetMeta(db, kConfirmed);
  }));
  if (confirmed == "1") return May::kYes;
  if (any) return May::kUnconfirmed;
  TRELLIS_CHECK(Confirm());  // a new node holds nothing
  return May::kYes;
}

Result<void> Orphans::Confirm() {
  held_ = false;
  return context_.writer.Commit(
      [](store::Database& db) { return store::SetMeta(db, kConfirmed, "1"); });
}

void Orphans::Look() {
  auto const found = Find();
  auto const may = found ? MayRemove(!found->empty()) : Result<May>(May::kNotYet);
  if (!found || !may) {
    return log::Error("cannot compare what plugins own with what is stored, retrying",
                      {{"error", found ? may.error() : found.error()}});
  }
  seen_ = found->size();
  if (*may == May::kUnconfirmed && !held_.exchange(true)) {
    log::Error(
        "plugins hold what this new store does not know; nothing of it is removed before "
        "'trellis node confirm-orphans' says so",
        {{"count", found->size()}, {"first", found->front().id}});
  }
  auto const now = context_.clock.MonotonicNs();
  std::map<std::string, std::int64_t> sightings;
  for (auto const& orphan : *found) {
    auto const key = orphan.id + " " + orphan.type;
    auto const before = sightings_.find(key);
    auto const first = before == sightings_.end() ? now : before->second;
    if (*may == May::kYes && now - first >= std::chrono::nanoseconds(kApart).count()) {
      Remove(orphan);
    } else {
      sightings.emplace(key, first);
    }
  }
  sightings_ = std::move(sightings);
}

void Orphans::Remove(Found const& found) {
  auto const id = grid::WorkloadId::Parse(found.id);
  if (!id) return;
  store::DeploymentKey const key{id->twin, id->contract};
  if (context_.scheduler.DepthOf(key).deployment > 0) return;  // a job may be making it
  store::WorkloadRow row;
  row.key = key;
  row.name = id->name;
  row.type = found.type;
  auto const answer = context_.plugins.Run(plugin::Op::kDeprovision, MakeRequest(row, {}),
                                           plugin::CancelToken::Make());
  if (Classify(answer.status) == StatusClass::kOk) {
    ++removed_;
    log::Warn("removed an orphan", {{"id", found.id}, {"type", found.type}});
  } else {
    log::Error("cannot remove an orphan, retrying",
               {{"id", found.id}, {"type", found.type}, {"error", answer.error}});
  }
}

}  // namespace trellis::engine
