// Threads on demand for request handlers: at most `limit`, idle ones end, a bounded queue in front.
#pragma once

#include "kernel/base/worker_threads.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace trellis::api {

/// What may wait for a thread. The defaults are the node's.
struct QueueLimits {
  std::size_t requests = 2048;
  std::size_t bytes = std::size_t{16} << 20U;
  std::size_t per_twin = 64;
};

/// Whose request it is, and how much memory it holds while it waits.
struct PoolTicket {
  std::uint32_t twin = 0;  ///< 0 = nobody's: only the whole queue limits it
  std::size_t bytes = 0;
};

/// Safe for use by several threads.
class Pool {
 public:
  /// Threads are named `<name>-N`.
  Pool(std::string name, std::size_t threads, QueueLimits const& limits);
  /// Runs what is queued, then joins.
  ~Pool();
  Pool(Pool const&) = delete;
  Pool& operator=(Pool const&) = delete;

  /// False when the queue is full for the ticket, or the pool is closing.
  [[nodiscard]] bool Post(PoolTicket const& ticket, std::function<void()> work);
  /// Before all that waits, whatever the limits: the rest of something that was posted. Not while
  /// the pool closes.
  void PostRest(std::function<void()> work);

 private:
  struct Item {
    PoolTicket ticket;
    std::function<void()> work;
  };
  [[nodiscard]] bool Fits(PoolTicket const& ticket) const;
  std::function<void()> Take();

  QueueLimits const limits_;
  std::mutex mutex_;        // guards everything below
  std::deque<Item> queue_;  // what PostRest brought first
  std::size_t rests_ = 0;   // in the queue
  std::map<std::uint32_t, std::size_t> waiting_of_twin_;
  std::size_t waiting_bytes_ = 0;
  WorkerThreads threads_;
};

}  // namespace trellis::api
