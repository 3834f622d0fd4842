// A file that wakes whoever waits on it, in this process or another.
#pragma once

#include "kernel/sys/fd.hpp"

#include <trellis/result.hpp>

#include <chrono>
#include <filesystem>
#include <memory>

namespace trellis::sys {

/// Waits for a WakeFile to be notified. Every notification after Open ends a Wait. One thread at a
/// time.
class WakeWaiter {
 public:
  static Result<WakeWaiter> Open(std::filesystem::path const& file);
  /// True: notified since Open or the last Wait. False: time-out, or `interrupt` is readable (-1:
  /// none).
  Result<bool> Wait(std::chrono::milliseconds timeout, int interrupt = -1);

 private:
  explicit WakeWaiter(UniqueFd inotify) : inotify_(std::move(inotify)) {}
  UniqueFd inotify_;
};

/// The notifying side. Safe for use by several threads.
class WakeFile {
 public:
  /// Creates the file if needed.
  static Result<WakeFile> Open(std::filesystem::path const& file);
  /// Wakes every waiter of every process. Never blocks; losing one to a full disk is harmless.
  void Notify() const;

 private:
  explicit WakeFile(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

/// A flag another thread's poll can see (eventfd). Safe for use by several threads.
class InterruptFlag {
 public:
  static Result<InterruptFlag> Make();
  void Set() const;
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit InterruptFlag(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace trellis::sys
