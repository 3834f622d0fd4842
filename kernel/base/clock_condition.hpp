// A condition to wait for, at most until a time of a Clock.
#pragma once

#include "kernel/base/clock.hpp"

#include <condition_variable>
#include <cstdint>
#include <limits>
#include <mutex>

namespace trellis {

/// Beside the mutex that guards what is waited for. The clock outlives it.
class ClockCondition {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  ClockCondition(Clock& clock, std::mutex& mutex)
      : clock_(clock), listener_(clock.Listen([this, &mutex] {
          // Not between a look at the time and the wait for it.
          std::lock_guard const lock(mutex);
          changed_.notify_all();
        })) {}
  ~ClockCondition() { clock_.Unlisten(listener_); }
  ClockCondition(ClockCondition const&) = delete;
  ClockCondition& operator=(ClockCondition const&) = delete;

  void NotifyOne() { changed_.notify_one(); }
  void NotifyAll() { changed_.notify_all(); }

  /// Waits for a notification until `monotonic_ns`; may return early. `lock` holds the mutex.
  void WaitUntil(std::unique_lock<std::mutex>& lock, std::int64_t monotonic_ns) {
    if (monotonic_ns == kNever) return changed_.wait(lock);
    if (monotonic_ns <= clock_.MonotonicNs()) return;
    if (auto const when = clock_.When(monotonic_ns); when.has_value()) {
      (void)changed_.wait_until(lock, *when);  // why it returned is for the caller to see
    } else {
      changed_.wait(lock);
    }
  }
  /// Waits until `ready()` or the time: what `ready()` says then.
  template <class Ready>
  bool WaitUntil(std::unique_lock<std::mutex>& lock, std::int64_t monotonic_ns, Ready ready) {
    while (!ready()) {
      if (clock_.MonotonicNs() >= monotonic_ns) return false;
      WaitUntil(lock, monotonic_ns);
    }
    return true;
  }

 private:
  Clock& clock_;
  std::condition_variable changed_;
  std::uint64_t listener_;
};

}  // namespace trellis
