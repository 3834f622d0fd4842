// What the engine did since it started, for metrics.
#pragma once

#include "kernel/plugin/types.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace trellis::engine {

[[nodiscard]] constexpr std::string_view ToText(plugin::Op op) {
  switch (op) {
    case plugin::Op::kProvision:
      return "provision";
    case plugin::Op::kUpdate:
      return "update";
    case plugin::Op::kDeprovision:
      return "deprovision";
    case plugin::Op::kPause:
      return "pause";
    case plugin::Op::kResume:
      return "resume";
  }
  return "operation";
}

/// Calls of one operation of one type.
struct OpMeter {
  std::uint64_t calls = 0;
  std::uint64_t failures = 0;
  std::chrono::nanoseconds time{0};
};

/// Safe for use by several threads.
class Meters {
 public:
  std::atomic<std::uint64_t> accepted{0};     ///< documents answered with success
  std::atomic<std::uint64_t> jobs_done{0};    ///< jobs that came to their end
  std::atomic<std::uint64_t> jobs_parked{0};  ///< times a job has to come again
  std::atomic<std::uint64_t> quarantined{0};  ///< steps given up after crashes

  void Count(std::string_view type, plugin::Op op, std::chrono::nanoseconds time, bool failed) {
    std::lock_guard const lock(mutex_);
    auto found = ops_.find(type);
    if (found == ops_.end()) found = ops_.emplace(std::string(type), OpMeters{}).first;
    auto& meter = found->second[op];
    ++meter.calls;
    meter.failures += failed ? 1 : 0;
    meter.time += time;
  }
  using OpMeters = std::map<plugin::Op, OpMeter>;
  [[nodiscard]] std::map<std::string, OpMeters, std::less<>> Ops() const {
    std::lock_guard const lock(mutex_);
    return ops_;
  }

 private:
  mutable std::mutex mutex_;  // guards ops_
  std::map<std::string, OpMeters, std::less<>> ops_;
};

}  // namespace trellis::engine
