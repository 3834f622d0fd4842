// The provisioning engine: accepts documents, runs jobs, keeps what runs equal to what is stored.
#pragma once

#include "kernel/engine/answer.hpp"
#include "kernel/engine/capacity.hpp"
#include "kernel/engine/context.hpp"
#include "kernel/engine/crew.hpp"
#include "kernel/engine/debug_view.hpp"
#include "kernel/engine/health.hpp"
#include "kernel/engine/kernel_services.hpp"
#include "kernel/engine/recovery.hpp"
#include "kernel/engine/signers.hpp"
#include "kernel/engine/snapshot.hpp"
#include "kernel/engine/waiters.hpp"

#include <trellis/capacity.hpp>
#include <trellis/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::engine {

class Upkeep;
class LedgerWatch;
class Outbox;

/// Safe for use by several threads. Workloads keep running when it is destroyed.
class Engine {
 public:
  /// Counts crashes of interrupted steps, queues the journal's jobs and what a reboot needs, starts
  /// the workers.
  static Result<std::unique_ptr<Engine>> Start(EngineOptions options, store::Writer& writer,
                                               store::Readers& readers, plugin::Plugins& plugins,
                                               ledger::Ledger& ledger, Clock& clock,
                                               KernelServicesOverStore& services);
  /// Drains.
  ~Engine();
  Engine(Engine const&) = delete;
  Engine& operator=(Engine const&) = delete;

  /// Acceptance of a document from `sender`: checked, stored with its job in one commit; the work
  /// comes later. `null` on success.
  Answer Deploy(std::uint32_t sender, std::string_view document);
  Answer Update(std::uint32_t sender, std::string_view document);
  /// The same without waiting for the commit: `done` is told through `resume`, at once, or, when
  /// nobody else waits for it, on the thread of commits.
  void Deploy(std::uint32_t sender, std::string_view document, engine::Resume resume,
              AnswerCallback done);
  void Update(std::uint32_t sender, std::string_view document, engine::Resume resume,
              AnswerCallback done);
  tl::expected<Examination, Refusal> Examine(std::string_view document);

  /// The stored deployment with its shown workloads. 404 `deployment not found`.
  Answer Get(std::uint32_t twin, std::uint64_t contract);
  /// The twin's active deployments as a JSON list.
  Answer List(std::uint32_t twin);
  /// The history as a JSON list.
  Answer Changes(std::uint32_t twin, std::uint64_t contract);
  Result<Statistics> Count();
  /// For administrators.
  [[nodiscard]] DebugView debug() const { return DebugView(context_); }

  /// Queues the removal, pause or resume of a stored deployment, once. Unknown: nothing is queued.
  /// What `also` writes is in the same commit in any case.
  using Also = std::function<Result<void>(store::Database&)>;
  Result<void> Remove(store::DeploymentKey key, std::string const& reason, Also const& also = {});
  Result<void> Pause(store::DeploymentKey key, Also const& also = {});
  Result<void> Resume(store::DeploymentKey key, Also const& also = {});

  /// `exhausted` is called, once, when so many operations never came back that only a new process
  /// helps. On a thread of the engine: it must not destroy it.
  void OnExhausted(std::function<void()> exhausted);

  /// How the engine does, in numbers.
  [[nodiscard]] Result<Snapshot> Look();
  /// Waits until everything was looked at and nothing is being restored any more; false when that
  /// took longer than `limit`.
  bool WaitRecovered(std::chrono::seconds limit);
  /// No job begins any more, running steps are cancelled and waited for. Questions are answered as
  /// before. A second call does nothing.
  void Drain();
  /// What of it needs an operator.
  [[nodiscard]] std::vector<Check> CheckHealth() { return Judge(Look()); }
  /// An operator says that what plugins hold and the store does not know may be removed.
  Result<void> ConfirmOrphans();
  [[nodiscard]] EventBus& events() { return events_; }
  /// `listener` hears of every twin that changed on the ledger (0: any may have); empty: nobody
  /// does, and none is being told when this returns.
  void OnTwinChange(std::function<void(std::uint32_t)> listener);
  /// Since the start: documents answered with success, and jobs that came to their end.
  [[nodiscard]] std::uint64_t accepted() const { return meters_.accepted; }
  [[nodiscard]] std::uint64_t jobs_done() const { return meters_.jobs_done; }
  [[nodiscard]] Meters const& meters() const { return meters_; }
  [[nodiscard]] std::size_t wedged() const { return scheduler_.wedged(); }
  [[nodiscard]] Scheduler::Depth QueueDepth() const { return scheduler_.DepthOf({}); }

 private:
  struct Parts {
    store::Writer& writer;
    store::Readers& readers;
    plugin::Plugins& plugins;
    ledger::Ledger& ledger;
    Clock& clock;
  };
  Engine(EngineOptions options, Parts const& parts, Boot const& boot);
  Result<void> QueueJournal();
  void StartThreads();
  void Work(Worker& worker);
  void Wedged();
  Result<void> SetDesired(store::DeploymentKey key, store::Desired desired, Also const& also);
  bool Restoring();
  Result<void> Queue(store::JobRow job, Also const& also);

  EngineOptions options_;
  EventBus events_;
  Meters meters_;
  TypeTable types_;
  Scheduler scheduler_;
  CapacityMeter capacity_;
  Signers signers_;
  Waiters waiters_;  // for WaitRecovered
  Context context_;
  std::unique_ptr<Upkeep> upkeep_;
  std::unique_ptr<LedgerWatch> ledger_watch_;
  std::unique_ptr<Outbox> outbox_;
  KernelServicesOverStore* services_ = nullptr;
  std::mutex exhausted_mutex_;  // guards exhausted_
  std::function<void()> exhausted_;
  std::unique_ptr<Crew> crew_;
};

}  // namespace trellis::engine
