// What a test wants to go wrong inside the plugin: `<dir>/script/<workload id>` holds lines
// `<operation> <point> <action> [times]`, points `begin`, `partial` (K6a) and `done` (K6b).
#pragma once

#include <trellis/sdk.hpp>

#include <filesystem>
#include <mutex>
#include <string_view>

namespace trellis::crashy {

/// Thread-safe.
class Script {
 public:
  explicit Script(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Carries out what the script says for this place and crosses it off first:
  ///   kill     SIGKILL for the daemon         segv   a bad memory access
  ///   hang     never returns                  wait   until cancelled: kCancelled
  ///   fail     a transient error              refuse a permanent one
  Result<void> Reach(Call& call, std::string_view id, std::string_view operation,
                     std::string_view point) const;

 private:
  [[nodiscard]] std::string Take(std::string_view id, std::string_view operation,
                                 std::string_view point) const;

  std::filesystem::path folder_;
  mutable std::mutex mutex_;
};

}  // namespace trellis::crashy
