// Time behind an interface, so that tests can set it.
#pragma once

#include <chrono>
#include <cstdint>

namespace trellis {

/// Safe for use by several threads.
class Clock {
 public:
  Clock() = default;
  virtual ~Clock() = default;
  Clock(Clock const&) = delete;
  Clock& operator=(Clock const&) = delete;

  /// Wall clock; may jump.
  [[nodiscard]] virtual std::int64_t UnixSeconds() const = 0;
  /// For durations; never goes back, meaning only within one boot.
  [[nodiscard]] virtual std::int64_t MonotonicNs() const = 0;
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
