// Keeps what runs equal to what is stored: inspection after start and every minute, repair,
// orphans.
#pragma once

#include "kernel/engine/context.hpp"

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace trellis::engine {

/// One thread, `upkeep`. Everything it changes goes through queued jobs.
class Upkeep {
 public:
  using QueueJob = std::function<Result<void>(store::JobRow)>;

  Upkeep(Context const& context, QueueJob queue) : context_(context), queue_(std::move(queue)) {}
  ~Upkeep();
  Upkeep(Upkeep const&) = delete;
  Upkeep& operator=(Upkeep const&) = delete;

  void Start();
  /// A monitor gave a workload up: queues a durable `fail` job.
  Result<void> ReportFailed(std::string_view workload_id, std::string_view reason);
  /// Something looks different: inspect this workload now.
  Result<void> ReportObserved(std::string_view workload_id);

 private:
  void Loop(std::stop_token stop);
  void InspectAll(std::stop_token const& stop);
  void InspectOne(store::WorkloadRow const& row);
  void FindOrphans(std::vector<store::WorkloadRow> const& rows);
  void QueueFor(store::WorkloadRow const& row, store::JobKind kind, std::string_view reason);

  Context const& context_;
  QueueJob queue_;
  std::mutex mutex_;  // guards wanted_
  std::condition_variable_any changed_;
  std::set<std::string, std::less<>> wanted_;  // ids to look at before the next round
  std::map<std::string, int> sightings_;  // orphan id -> rounds it was seen (upkeep thread only)
  bool recovered_ = false;                // plugins know the stored ids (upkeep thread only)
  std::jthread thread_;
};

}  // namespace trellis::engine
