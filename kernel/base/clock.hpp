// Time behind an interface, so that tests can set it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

namespace trellis {

/// Safe for use by several threads.
class Clock {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  Clock() = default;
  virtual ~Clock() = default;
  Clock(Clock const&) = delete;
  Clock& operator=(Clock const&) = delete;

  /// Wall clock; may jump.
  [[nodiscard]] virtual std::int64_t UnixSeconds() const = 0;
  /// For durations; never goes back, meaning only within one boot.
  [[nodiscard]] virtual std::int64_t MonotonicNs() const = 0;

  // For those who wait until a time; use ClockCondition.

  /// When it will be `monotonic_ns`; empty when only a listener learns it (clocks of tests).
  [[nodiscard]] virtual std::optional<TimePoint> When(std::int64_t monotonic_ns) const {
    return TimePoint(std::chrono::nanoseconds(monotonic_ns));
  }
  /// `moved` is called, on any thread, when the time was changed by hand. Returns a number for
  /// Unlisten, after which it is not running and will not be called again.
  virtual std::uint64_t Listen(std::function<void()> const& /*moved*/) { return 0; }
  virtual void Unlisten(std::uint64_t /*listener*/) {}
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t UnixSeconds() const override {
    auto const now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
  }
  [[nodiscard]] std::int64_t MonotonicNs() const override {
    auto const now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  }
};

}  // namespace trellis
