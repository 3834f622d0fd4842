// Threads that work for many at once: everyone who has work waiting gets the next turn, whoever
// sends most.
#pragma once

#include "kernel/base/worker_threads.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

namespace trellis::rmb {

/// Work of kSuspect runs only when no other is waiting.
enum class Lane : std::uint8_t { kNormal, kSuspect };

struct FairLimits {
  std::size_t threads = 2;
  std::size_t per_key = 4096;  ///< pieces waiting for one key
  std::size_t per_key_bytes = std::size_t{8} << 20U;
  std::size_t total = 20000;
  std::size_t total_bytes = std::size_t{64} << 20U;
};

/// Safe for use by several threads. Starts threads on demand; idle ones end.
class FairPool {
 public:
  using Work = std::function<void()>;

  /// Threads are named `<name>-N`.
  FairPool(std::string name, FairLimits const& limits);
  /// Waits for what runs; drops what waits.
  ~FairPool();
  FairPool(FairPool const&) = delete;
  FairPool& operator=(FairPool const&) = delete;

  /// Work for `key` that holds `bytes` of memory. False when the key or the pool has too much
  /// waiting; a key with nothing waiting may always have one piece of any size.
  [[nodiscard]] bool Post(std::uint64_t key, Lane lane, std::size_t bytes, Work work);

 private:
  struct Piece {
    Work work;
    std::size_t bytes = 0;
  };
  struct Queue {
    std::uint64_t key = 0;
    std::list<Piece> pieces;
    std::size_t bytes = 0;
  };
  /// The keys with work, in the order of their turns.
  struct Turns {
    std::list<Queue> queues;
    std::unordered_map<std::uint64_t, std::list<Queue>::iterator> by_key;
  };

  [[nodiscard]] bool HasRoom(Turns const& turns, std::uint64_t key, std::size_t bytes) const;
  /// Of the key whose turn it is. Something must be waiting.
  Work Take();

  FairLimits limits_;
  std::mutex mutex_;  // guards everything below
  Turns normal_;
  Turns suspect_;
  std::size_t waiting_ = 0;
  std::size_t bytes_ = 0;
  WorkerThreads threads_;
};

}  // namespace trellis::rmb
