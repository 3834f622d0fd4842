// Which accelerator machines get: hardware virtualisation only when it works in time.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace trellis::plugins::zmachine {

enum class Accel : std::uint8_t { kTcg, kKvm };

/// The choice and one sentence why (for diagnostics and the log).
struct AccelReport {
  Accel accel = Accel::kTcg;
  std::string reason;
};

/// `kvm` or `tcg`.
constexpr char const* AccelName(Accel accel) {
  return accel == Accel::kKvm ? "kvm" : "tcg";
}

/// Runs the probe program at `probe` in a process group of its own and kills the group at the
/// deadline. Every failure means tcg with its reason; blocks for the deadline plus 0.1 s at most.
AccelReport ProbeAccel(std::filesystem::path const& probe,
                       std::chrono::milliseconds deadline = std::chrono::seconds(1));

}  // namespace trellis::plugins::zmachine
