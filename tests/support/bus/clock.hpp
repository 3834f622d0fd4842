// A clock that stands until it is moved.
#pragma once

#include "kernel/base/clock.hpp"

#include <atomic>

namespace trellis::testing {

class FakeClock final : public Clock {
 public:
  explicit FakeClock(std::int64_t now = 1'800'000'000) : now_(now) {}
  [[nodiscard]] std::int64_t UnixSeconds() const override { return now_; }
  [[nodiscard]] std::int64_t MonotonicNs() const override { return now_ * 1'000'000'000; }
  void Advance(std::int64_t seconds) { now_ += seconds; }

 private:
  std::atomic<std::int64_t> now_;
};

}  // namespace trellis::testing
