// The side of a check that runs in the plugin's process: what it is doing, and what it found.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace trellis::conformance {

/// Writes lines to the runner: `@what` is what the plugin is doing now, the rest ends the check.
class Probe {
 public:
  explicit Probe(int fd) : fd_(fd) {}

  template <class... Args>
  void At(fmt::format_string<Args...> format, Args&&... args) {
    Line('@', fmt::format(format, std::forward<Args>(args)...));
  }
  /// What the plugin did, and what the ABI wants. Ends the process.
  [[noreturn]] void Fail(std::string_view did, std::string_view wants);
  /// Fails unless `holds`.
  void Expect(bool holds, std::string_view did, std::string_view wants) {
    if (!holds) Fail(did, wants);
  }
  /// Ends the process: the check holds.
  [[noreturn]] void Done();

 private:
  void Line(char kind, std::string_view text);
  int fd_;
};

}  // namespace trellis::conformance
