// Waiting for something that many events may bring about.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace trellis::engine {

/// Safe for use by several threads.
class Waiters {
 public:
  /// Something happened: whoever waits looks again.
  void Tell() {
    std::lock_guard const lock(mutex_);
    ++news_;
    changed_.notify_all();
  }
  /// From now on nobody waits.
  void Close() {
    std::lock_guard const lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  /// Waits until `ready()`, which is asked once at least and then after every Tell; false after
  /// `limit` or Close. `ready` runs without the lock.
  template <class Ready>
  bool Wait(std::chrono::seconds limit, Ready ready) {
    auto const end = std::chrono::steady_clock::now() + limit;
    std::unique_lock lock(mutex_);
    while (true) {
      auto const seen = news_;
      lock.unlock();
      if (ready()) return true;
      lock.lock();
      auto const changed = [&] { return closed_ || news_ != seen; };
      if (!changed_.wait_until(lock, end, changed) || closed_) return false;
    }
  }

 private:
  std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  std::uint64_t news_ = 0;
  bool closed_ = false;
};

}  // namespace trellis::engine
