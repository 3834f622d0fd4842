// When a machine that keeps ending is given up: a sliding window of counts.
#pragma once

#include <trellis/sdk.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

namespace trellis::plugins::zmachine {

/// Times are seconds since 1970, because counts survive the plugin.
struct CrashCounts {
  std::vector<std::int64_t> counted;
  std::int64_t last_start = 0;   ///< start or reboot
  std::int64_t last_reboot = 0;  ///< reboots closer than 2 s are one
};
BOOST_DESCRIBE_STRUCT(CrashCounts, (), (counted, last_start, last_reboot))

struct CrashRules {
  std::uint32_t limit = 4;
  std::chrono::seconds window{120};
  std::chrono::seconds quick_reboot{60};
};

/// One machine's counts under the rules. Not thread-safe.
class CrashWindow {
 public:
  CrashWindow(CrashRules const& rules, CrashCounts counts)
      : rules_(rules), counts_(std::move(counts)) {}

  void Started(std::int64_t now);
  /// An unexpected stop, a crash or the death of a share: true when the machine is to be given up.
  [[nodiscard]] bool Stopped(std::int64_t now);
  /// Counts only when it comes soon after the previous start or reboot.
  [[nodiscard]] bool Rebooted(std::int64_t now);
  /// 1, 2, 4 s for the first, second and later counts.
  [[nodiscard]] std::chrono::seconds RestartDelay() const;
  [[nodiscard]] CrashCounts const& counts() const { return counts_; }

 private:
  CrashRules rules_;
  CrashCounts counts_;
};

}  // namespace trellis::plugins::zmachine
