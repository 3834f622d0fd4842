// Which job runs next: one per deployment, parallel across deployments, fair over twins, behind
// locks.
#pragma once

#include "kernel/base/clock_condition.hpp"
#include "kernel/engine/lane.hpp"
#include "kernel/engine/locks.hpp"
#include "kernel/engine/stopper.hpp"
#include "kernel/engine/ticket.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::engine {

/// A thread that works. One that a plugin did not give back belongs to the plugin: should it return
/// after all, it ends without touching anything.
struct Worker {
  std::atomic<bool> lost = false;
  /// What its turn takes from others, the scheduler's: a place of the twin, and slots.
  std::uint32_t twin = 0;
  std::vector<SlotNeed> slots{};
};

/// A job that was begun.
class Runnable {
 public:
  Runnable() = default;
  virtual ~Runnable() = default;
  Runnable(Runnable const&) = delete;
  Runnable& operator=(Runnable const&) = delete;
  /// Goes on until the job has to wait for the store, or is over; both are told the scheduler.
  /// `worker` is whose thread it runs on.
  virtual void Advance(Worker& worker) = 0;
};

/// What a worker does next: begin the job of `ticket`, or go on with `job`.
struct Turn {
  Ticket ticket;
  std::shared_ptr<Stopper> stopper;
  std::shared_ptr<Runnable> job;
};

struct SchedulerOptions {
  std::size_t workers = 4;
  std::size_t queue_deployment = 16;
  std::size_t queue_twin = 64;
  std::size_t queue_total = 4096;
};

/// A begun job holds a worker, and slots of the plugins it calls, only while it does something, not
/// while it waits for the store. Safe for use by several threads.
class Scheduler {
 public:
  Scheduler(Clock& clock, SchedulerOptions options);

  // ---- the queue ----
  /// Keeps a place for a job that is about to be accepted; false when too much is queued.
  [[nodiscard]] bool Admit(store::DeploymentKey key);
  /// Gives the place back.
  void Withdraw(store::DeploymentKey key);
  /// `admitted`: a place was kept.
  void Add(Ticket ticket, bool admitted = false);
  /// Drops queued tickets; running ones are left alone.
  void Drop(store::DeploymentKey key, std::vector<std::int64_t> const& jobs);

  // ---- for workers ----
  /// The next turn, its locks taken; blocks. The worker's turn before it is over. Empty after Stop.
  std::optional<Turn> Next(Worker& worker);
  /// The running job of `key`, whose last turn ended because it waited for the store, goes on.
  void Resume(store::DeploymentKey key, std::shared_ptr<Runnable> job);
  /// It is over; with `again` it is queued once more.
  void Done(store::DeploymentKey key, std::optional<Ticket> again);
  /// A plugin does not come back to it: nothing of this deployment runs any more, and the slots of
  /// the worker's turn stay taken.
  void Wedge(store::DeploymentKey key, Worker& worker);

  // ---- the end ----
  /// Asks the running job of a deployment to stop.
  void CancelRunning(store::DeploymentKey key);
  /// No further turns; all running jobs are asked to stop.
  void Stop();

  struct Depth {
    std::size_t all = 0;  ///< queued and running
    std::size_t twin = 0;
    std::size_t deployment = 0;
    std::size_t running = 0;
  };
  [[nodiscard]] Depth DepthOf(store::DeploymentKey key) const;
  /// The job of the deployment that was begun and is not over, 0 = none.
  [[nodiscard]] std::int64_t RunningJob(store::DeploymentKey key) const;
  [[nodiscard]] std::size_t wedged() const { return wedged_; }

 private:
  class Waking;
  struct Running {
    Ticket ticket;
    std::shared_ptr<Stopper> stopper;
    std::shared_ptr<Runnable> resumed{};
  };
  struct Deployment {
    Lane lane;
    std::size_t admitted = 0;
    std::optional<Running> running;
    bool wedged = false;
    std::int64_t listed = 0;  ///< its job in Twin::ready, 0 = none
  };
  struct Twin {
    std::map<std::int64_t, Ticket const*> ready;  ///< what may run, but for locks; by job
    std::deque<store::DeploymentKey> resumed;
    std::size_t working = 0;  ///< turns
    std::size_t running = 0;  ///< begun jobs
    std::size_t queued = 0;   ///< admitted ones too
  };

  void Relist(store::DeploymentKey key, Deployment& deployment);
  void Forget(store::DeploymentKey key);
  void ForgetTwin(std::map<std::uint32_t, Twin>::iterator found);
  void FireTimers();
  void EndTurn(Worker& worker);
  std::optional<Turn> Pick(Worker& worker);
  std::optional<Turn> PickOf(std::uint32_t id, Twin& twin, Worker& worker);
  std::optional<Turn> PickResumed(Twin& twin, Worker& worker);
  Ticket const* RunnableOf(Twin& twin, bool ignore_restores);
  Turn Start(store::DeploymentKey key, Twin& twin, std::int64_t job);
  void Release(Running& running);

  Clock& clock_;
  SchedulerOptions const options_;
  std::size_t const per_twin_;   // turns of one twin at once
  std::size_t const max_begun_;  // jobs between their begin and their end
  mutable std::mutex mutex_;     // guards everything below
  ClockCondition changed_;
  std::map<store::DeploymentKey, Deployment> deployments_;
  std::map<std::uint32_t, Twin> twins_;
  std::set<std::uint32_t> active_;  // twins with something in ready or resumed
  std::multimap<std::int64_t, store::DeploymentKey> timers_;
  Locks locks_;
  std::size_t queued_ = 0;  // admitted ones too
  std::size_t begun_ = 0;
  std::size_t waiting_ = 0;      // workers in Next
  bool waking_ = false;          // one of them was told and has not looked yet
  std::uint32_t last_twin_ = 0;  // round robin
  bool stopping_ = false;
  std::atomic<std::size_t> wedged_{0};
};

}  // namespace trellis::engine
