// The workloads of one deployment, to be changed: read at once, changed in memory, written at once.
#pragma once

#include "kernel/store/records.hpp"
#include "kernel/store/workload_body.hpp"

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::store {

using NameVersion = std::pair<std::string_view, std::uint32_t>;

/// Lives inside one of the writer's works: what is in the database is what it read, until Save.
/// Nothing that was read is copied before it is written again.
class WorkloadSet {
 public:
  explicit WorkloadSet(DeploymentKey key) : key_(key) {}
  WorkloadSet(WorkloadSet const&) = delete;
  WorkloadSet& operator=(WorkloadSet const&) = delete;

  /// Reads what is stored, the first time. Everything below needs it, but for those that were told
  /// that they are new.
  Result<void> Load(Database& db);
  /// Nothing is stored yet.
  void BeginNew() { loaded_ = true; }
  /// Writes what changed. The deployment must be stored.
  Result<void> Save(Database& db);

  /// Adds it, or changes everything but its type.
  void Put(WorkloadRow row);
  /// A plugin may hold something for it, and the journal that says so goes.
  void MarkOwned(std::string_view name);
  /// Another position in the document.
  void Move(std::string_view name, std::uint32_t pos);
  /// With its reservation and its `uses`.
  Result<void> Erase(Database& db, std::string_view name);
  /// Removes the deployment with everything that hangs on it (jobs, history) and leaves a
  /// tombstone. There is nothing to save afterwards.
  Result<void> EraseDeployment(Database& db, std::int64_t now);

  /// Appends an entry to the history by the collapse rules: same name, version and state as the
  /// newest replaces it; a second `ok` of a (name, version) removes the older one and everything of
  /// that version after its `init`. Drops the oldest entries above the bounds. `row` is the
  /// workload as the entry shows it.
  Result<void> AddChange(Database& db, WorkloadRow const& row, HistoryLimits const& limits = {});
  /// When an update was accepted: of untouched workloads keep only `init` and the newest entry of
  /// their version.
  Result<void> CompactChanges(Database& db, std::span<NameVersion const> untouched);

 private:
  /// An entry of the history, wherever it lies.
  struct Known {
    std::int64_t seq = 0;
    std::string name;
    std::uint32_t version = 0;
    std::string state;
    bool older = false;  // not with its workload
  };
  /// An entry that gets a row of its own.
  struct Older {
    std::int64_t seq = 0;
    WorkloadRow shown;
  };

  WorkloadView* Get(std::string_view name);
  /// Views of the row are good as long as the set.
  WorkloadRow const& Keep(WorkloadRow row) { return kept_.emplace_back(std::move(row)); }
  [[nodiscard]] std::vector<std::string_view> Types() const;
  Result<void> SaveWanted(Database& db);
  Result<void> SaveStatus(Database& db);
  Result<void> SaveTypes(Database& db);

  /// `name`: of this workload only, "" = of all. By age.
  Result<std::vector<Known>> History(Database& db, std::string_view name) const;
  Result<void> Drop(Database& db, Known const& entry);
  void Append(WorkloadRow const& row);
  EntryView EntryOf(std::int64_t seq, WorkloadView const& item, WorkloadRow const& row);
  Result<void> Replace(Database& db, WorkloadRow const& row, Known const& entry);
  Result<void> TrimWorkload(Database& db, std::vector<Known> const& entries, std::uint32_t version,
                            std::int64_t limit);
  Result<void> TrimDeployment(Database& db, std::int64_t limit);
  [[nodiscard]] std::vector<std::int64_t> Spared(std::vector<Known> const& entries) const;
  /// The workload will not show its entries any more.
  void MoveOut(WorkloadView& workload);
  Result<void> SaveOlder(Database& db);
  Result<std::string> Epitaph(Database& db) const;

  DeploymentKey key_;
  bool loaded_ = false;
  std::int64_t id_ = 0;         // of the deployment; 0: no row of workloads
  bool status_stored_ = false;  // has a row
  bool wanted_changed_ = false;
  bool status_changed_ = false;
  BodyHead head_;
  std::string wanted_;               // as it was read
  std::string status_;               // the same
  std::deque<WorkloadRow> kept_;     // what was put or told since
  std::vector<WorkloadView> items_;  // views of these two
  std::vector<Older> older_;         // not written yet; BodyHead::older has them
  std::vector<std::string> types_;   // as stored
};

}  // namespace trellis::store
