// A clock that stands until it is told to go on, and wakes who waits for a later time.
#pragma once

#include "kernel/base/clock.hpp"

#include <chrono>
#include <map>
#include <mutex>

namespace trellis::testing {

class FakeClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t UnixSeconds() const override {
    std::lock_guard const lock(mutex_);
    return unix_;
  }
  [[nodiscard]] std::int64_t MonotonicNs() const override {
    std::lock_guard const lock(mutex_);
    return monotonic_ns_;
  }
  [[nodiscard]] std::optional<TimePoint> When(std::int64_t /*monotonic_ns*/) const override {
    return std::nullopt;
  }
  std::uint64_t Listen(std::function<void()> const& moved) override {
    std::lock_guard const lock(listeners_mutex_);
    listeners_.emplace(++last_, moved);
    return last_;
  }
  void Unlisten(std::uint64_t listener) override {
    std::lock_guard const lock(listeners_mutex_);
    listeners_.erase(listener);
  }

  void Advance(std::chrono::nanoseconds time) {
    {
      std::lock_guard const lock(mutex_);
      monotonic_ns_ += time.count();
      part_ += time;
      auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(part_);
      unix_ += seconds.count();
      part_ -= seconds;
    }
    std::lock_guard const lock(listeners_mutex_);
    for (auto const& [id, moved] : listeners_)
      moved();
  }
  /// The wall clock alone is set.
  void JumpTo(std::int64_t unix_seconds) {
    std::lock_guard const lock(mutex_);
    unix_ = unix_seconds;
  }

 private:
  mutable std::mutex mutex_;  // guards the three below
  std::int64_t unix_ = 1'700'000'000;
  std::int64_t monotonic_ns_ = 1'000'000'000;
  std::chrono::nanoseconds part_{0};
  std::mutex listeners_mutex_;  // guards the rest; held while they run
  std::map<std::uint64_t, std::function<void()>> listeners_;
  std::uint64_t last_ = 0;
};

}  // namespace trellis::testing
