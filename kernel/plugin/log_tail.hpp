// The last lines of one plugin's log, for who asks what ails it.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace trellis::plugin {

inline constexpr std::size_t kKeptLogLines = 50;

/// Safe for use by several threads.
class LogTail {
 public:
  void Add(std::string line) {
    std::lock_guard const lock(mutex_);
    lines_.push_back(std::move(line));
    if (lines_.size() > kKeptLogLines) lines_.pop_front();
  }
  /// Oldest first.
  [[nodiscard]] std::vector<std::string> Lines() const {
    std::lock_guard const lock(mutex_);
    return {lines_.begin(), lines_.end()};
  }

 private:
  mutable std::mutex mutex_;  // guards lines_
  std::deque<std::string> lines_;
};

}  // namespace trellis::plugin
