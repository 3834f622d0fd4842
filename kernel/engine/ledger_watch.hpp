// Follows the ledger: cancelled contracts are removed, grace periods paused; a full comparison
// makes up for what was missed.
#pragma once

#include "kernel/engine/context.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace trellis::engine {

/// More of the commit that queues a job; runs also when there is nothing to queue.
using Also = std::function<Result<void>(store::Database&)>;

/// What the ledger may ask of the engine. Each is durable when it returns.
struct LedgerOrders {
  std::function<Result<void>(store::DeploymentKey, std::string const& reason, Also)> remove;
  std::function<Result<void>(store::DeploymentKey, Also)> pause;
  std::function<Result<void>(store::DeploymentKey, Also)> resume;
};

/// One thread, `ledger`. The cursor is stored in the commit that queues what an event asks for.
class LedgerWatch {
 public:
  LedgerWatch(Context const& context, LedgerOrders orders)
      : context_(context), orders_(std::move(orders)) {}
  ~LedgerWatch();
  LedgerWatch(LedgerWatch const&) = delete;
  LedgerWatch& operator=(LedgerWatch const&) = delete;

  void Start();
  /// `listener` hears of every twin that changed (0: any may have), on the watch's thread.
  void OnTwinChange(std::function<void(std::uint32_t)> listener);

  // ---- what the thread does; tests call it without a thread ----
  /// Handles all events there are.
  Result<void> Follow();
  /// Compares all stored deployments with the ledger's list. A list that is older than what was
  /// seen does not count. kUnavailable then, or when the ledger is away.
  Result<void> Sync();

 private:
  enum class Wanted : std::uint8_t { kNothing, kRemove, kPause, kResume };
  struct Found {
    store::DeploymentKey key;
    Wanted wanted = Wanted::kNothing;
  };
  /// The ledger's answer, ready to be looked up.
  struct Live {
    std::vector<std::uint64_t> ids;
    std::optional<std::vector<std::uint64_t>> grace;
  };

  void Loop(std::stop_token const& stop);
  Result<void> ReadCursor();
  Result<void> Handle(ledger::Event const& event);
  Result<void> StartOver();
  void TellTwinChange(std::uint32_t twin);
  Result<void> NodeChanged(ledger::Event const& event);
  Result<void> CheckHeight(std::uint64_t height);
  Result<std::vector<Found>> Compare(Live const& live, std::size_t& stored);
  Result<Wanted> WantedOf(Live const& live, store::DeploymentKey key, store::Desired desired,
                          std::int64_t created);
  /// Would the removals take most of what is stored, and was that not seen before?
  [[nodiscard]] bool LooksWrong(std::vector<Found> const& found, std::size_t stored);
  Result<void> Carry(Found const& found);

  Context const& context_;
  LedgerOrders const orders_;
  // Of the thread:
  bool started_ = false;  // cursor_ was read
  std::uint64_t cursor_ = 0;
  std::set<std::uint64_t> suspected_;  // removals that a guarded sync wants to see again
  std::int64_t suspected_ns_ = 0;      // since when
  bool soon_ = false;                  // the next sync is not to wait for its hour
  std::mutex mutex_;                   // guards twin_listener_, also while it runs
  std::function<void(std::uint32_t)> twin_listener_;
  std::jthread thread_;
};

}  // namespace trellis::engine
