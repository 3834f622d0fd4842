// Keeps what runs equal to what is stored: looks at everything after the start and every minute,
// has differences repaired and orphans removed.
#pragma once

#include "kernel/base/clock_condition.hpp"
#include "kernel/engine/context.hpp"
#include "kernel/engine/orphans.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace trellis::engine {

using TypeCounts = std::map<std::string, std::uint64_t, std::less<>>;

/// One thread, `upkeep`, with helpers for the time of a round. What it changes goes through queued
/// jobs, but for orphans, which no job knows.
class Upkeep {
 public:
  using QueueJob = std::function<Result<void>(store::JobRow)>;

  /// `round_done` is called after every round.
  Upkeep(Context const& context, QueueJob queue, std::function<void()> round_done = {});
  ~Upkeep();
  Upkeep(Upkeep const&) = delete;
  Upkeep& operator=(Upkeep const&) = delete;

  void Start();
  /// What the thread does every minute; tests call it without a thread.
  void Round();
  /// A monitor gave a workload up: queues a durable `fail` job.
  Result<void> ReportFailed(std::string_view workload_id, std::string_view reason);
  /// Something looks different: look at this workload now.
  Result<void> ReportObserved(std::string_view workload_id);

  [[nodiscard]] Orphans& orphans() { return orphans_; }
  /// Workloads that no plugin can look at, by type, as of the last round.
  [[nodiscard]] TypeCounts unloaded();
  /// Rounds over all workloads since the start.
  [[nodiscard]] std::uint64_t rounds() const { return rounds_; }

 private:
  void Loop();
  void TellPlugins();
  [[nodiscard]] bool WorthALook(store::WorkloadRow const& row);
  void LookAt(std::vector<store::WorkloadRow> const& rows);
  void LookAtOne(store::WorkloadRow const& row);
  void NoteUnloaded(TypeCounts now);
  void LookAtIds(std::set<std::string, std::less<>> const& ids);
  void Repair(store::WorkloadRow const& row, std::string_view reason);
  [[nodiscard]] bool stopping();

  Context const& context_;
  QueueJob queue_;
  std::function<void()> round_done_;
  Orphans orphans_;
  bool told_plugins_ = false;  // upkeep thread only
  std::atomic<std::uint64_t> rounds_{0};
  std::mutex mutex_;                           // guards the three below
  std::set<std::string, std::less<>> wanted_;  // ids to look at before the next round
  TypeCounts unloaded_;
  bool stopping_ = false;
  ClockCondition changed_;
  std::jthread thread_;
};

}  // namespace trellis::engine
