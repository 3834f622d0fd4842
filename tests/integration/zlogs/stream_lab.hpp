// A log in a folder of its own and the real streamer on it.
#pragma once

#include "kernel/sys/process.hpp"
#include "plugins/zlogs/status.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/temp_dir.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::testing {

/// `line 000000` to `line <to - 1>`.
std::string Numbered(int from, int to);

/// How messages cover a text that has no piece twice.
struct Coverage {
  std::size_t covered = 0;   ///< from the beginning, without a gap
  std::size_t repeated = 0;  ///< bytes that came again
};
Coverage Cover(std::string const& text, std::vector<std::string> const& messages);

class StreamLab {
 public:
  StreamLab();

  void Append(std::string_view text) const;
  /// As zmachine rotates: the last `keep` bytes are copied, the log becomes empty.
  void Rotate(std::size_t keep) const;
  /// A new streamer; the state file is kept. `settings`: JSON.
  void Start(std::string const& output, std::string_view settings = "{}");
  void Signal(int signal) const { child_->Kill(signal); }
  /// SIGKILL, and until it is gone.
  void Kill();
  /// SIGTERM; the exit status, or -1 when it does not end.
  int Stop();
  [[nodiscard]] pid_t pid() const { return child_->pid(); }
  [[nodiscard]] plugins::zlogs::Status status() const;
  /// False: it does not come to be so. What a test reads without waiting may be half written.
  [[nodiscard]] bool WaitFor(std::function<bool(plugins::zlogs::Status const&)> const& done) const;
  /// Waits for an error that holds the text.
  [[nodiscard]] bool WaitForError(std::string_view text) const;
  /// Everything is sent that is in the log.
  [[nodiscard]] bool WaitUntilSent(std::size_t bytes) const;
  /// What the streamer wrote to its standard error.
  [[nodiscard]] std::string errors() const;
  [[nodiscard]] TempDir const& dir() const { return dir_; }

 private:
  TempDir dir_;
  std::string log_ = (dir_ / "console.log").string();
  std::optional<sys::ChildProcess> child_;
};

}  // namespace trellis::testing
