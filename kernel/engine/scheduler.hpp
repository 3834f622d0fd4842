// Which job runs next: one per deployment, parallel across deployments, fair over twins, behind
// locks on sharables.
#pragma once

#include "kernel/plugin/types.hpp"
#include "kernel/store/records.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace trellis::engine {

/// A queued job as the scheduler sees it; the journal holds the rest.
struct Ticket {
  std::int64_t job = 0;
  store::DeploymentKey key;
  store::JobKind kind = store::JobKind::kApply;
  std::string target;                ///< workload of a repair, fail or single removal
  std::vector<std::string> uses;     ///< sharables of the twin it reads
  std::vector<std::string> changes;  ///< sharables of the twin it adds, changes or removes
  std::chrono::steady_clock::time_point not_before{};
  std::shared_ptr<plugin::CancelToken> cancel;
};

/// Safe for use by several threads.
class Scheduler {
 public:
  explicit Scheduler(std::size_t workers) : per_twin_((workers + 1) / 2) {}

  void Add(Ticket ticket);
  /// Drops queued tickets; running ones are left alone.
  void Drop(std::vector<std::int64_t> const& jobs);
  /// Asks the running job of a deployment to stop.
  void CancelRunning(store::DeploymentKey key);
  /// Asks all running jobs to stop.
  void CancelAll();
  /// The next job that may run, its locks taken; blocks. Empty when stopped.
  std::optional<Ticket> Next(std::stop_token stop);
  /// Gives the locks back.
  void Done(Ticket const& ticket);

  struct Depth {
    std::size_t all = 0;  ///< queued and running
    std::size_t twin = 0;
    std::size_t deployment = 0;
    std::size_t running = 0;
  };
  [[nodiscard]] Depth DepthOf(store::DeploymentKey key) const;
  /// Is a job of this kind (and target) queued or running for the deployment?
  [[nodiscard]] bool Has(store::DeploymentKey key, store::JobKind kind,
                         std::string_view target) const;

 private:
  [[nodiscard]] bool MayRun(Ticket const& ticket, std::chrono::steady_clock::time_point now) const;
  [[nodiscard]] bool Blocked(Ticket const& ticket) const;
  void Take(Ticket const& ticket);

  using SharedName = std::pair<std::uint32_t, std::string>;
  std::size_t per_twin_;      // workers one twin may hold
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable_any changed_;
  std::uint64_t generation_ = 0;           // counts changes, so that a waiter sees one
  std::map<std::int64_t, Ticket> queued_;  // by job id: acceptance order
  std::map<store::DeploymentKey, Ticket> running_;
  std::map<std::uint32_t, std::size_t> running_of_twin_;
  std::map<SharedName, std::size_t> read_locks_;
  std::set<SharedName> write_locks_;
  std::uint32_t last_twin_ = 0;  // round robin
};

}  // namespace trellis::engine
