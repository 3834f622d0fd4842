// How much one plugin may log: what is above it is counted and dropped, so that a plugin that
// floods its log costs neither the disk nor the lines of others.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <utility>

namespace trellis::plugin {

/// Safe for use by several threads.
class LogBudget {
 public:
  static constexpr double kRate = 1000;  ///< records per second
  static constexpr double kBurst = 5000;

  struct Taken {
    bool allowed = false;
    std::uint64_t dropped = 0;  ///< records that were dropped before, when it is time to tell
  };
  /// Room for one record, at a time of the monotonic clock.
  Taken Take(std::int64_t now_ns) {
    std::lock_guard const lock(mutex_);
    std::int64_t const passed = now_ns - refilled_ns_;
    double const fresh = static_cast<double>(passed) * kRate / static_cast<double>(kSecondNs);
    budget_ = refilled_ns_ == 0 ? kBurst : std::min(kBurst, budget_ + fresh);
    refilled_ns_ = now_ns;
    if (budget_ < 1) {
      ++dropped_;
      return {};
    }
    budget_ -= 1;
    if (dropped_ == 0 || now_ns - warned_ns_ < kSecondNs) return {true, 0};
    warned_ns_ = now_ns;
    return {true, std::exchange(dropped_, 0)};
  }

 private:
  static constexpr std::int64_t kSecondNs = 1'000'000'000;

  std::mutex mutex_;  // guards what follows
  std::int64_t refilled_ns_ = 0;
  std::int64_t warned_ns_ = 0;
  double budget_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace trellis::plugin
