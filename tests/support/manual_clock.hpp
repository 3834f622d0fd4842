// A clock that a test sets.
#pragma once

#include "kernel/base/clock.hpp"

#include <atomic>

namespace trellis::testing {

class ManualClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t UnixSeconds() const override { return now; }
  [[nodiscard]] std::int64_t MonotonicNs() const override { return now * 1'000'000'000; }
  void Advance(std::int64_t seconds) { now += seconds; }

  std::atomic<std::int64_t> now = 1'700'000'000;
};

}  // namespace trellis::testing
