// One thread that reads for all helper processes of the daemon.
#pragma once

#include "kernel/sys/fd.hpp"

#include <trellis/result.hpp>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace trellis::plugin {

/// Thread `plug-io`, started with the first descriptor. Safe for use by several threads.
class HelperLoop {
 public:
  using OnReady = std::function<void()>;

  static Result<std::unique_ptr<HelperLoop>> Open();
  ~HelperLoop();
  HelperLoop(HelperLoop const&) = delete;
  HelperLoop& operator=(HelperLoop const&) = delete;

  /// Calls `on_ready` whenever `fd` (borrowed) is readable or at its end. It must not block, and
  /// may forget descriptors, its own too.
  Result<void> Watch(int fd, OnReady on_ready);
  /// Another thread reads from it for a while: nobody is told meanwhile. What arrived is told
  /// afterwards. Without effect on what is not watched.
  void Pause(int fd, bool paused);
  /// Afterwards its function is not running, unless it is the caller, and will not run again.
  void Forget(int fd);

 private:
  struct Entry {
    std::recursive_mutex mutex;  // held while on_ready runs
    OnReady on_ready;            // empty: forgotten
  };
  explicit HelperLoop(sys::UniqueFd epoll, sys::UniqueFd wake)
      : epoll_(std::move(epoll)), wake_(std::move(wake)) {}
  void Run(std::stop_token const& stop);

  sys::UniqueFd epoll_;
  sys::UniqueFd wake_;
  std::mutex mutex_;  // guards entries_ and the start of thread_
  std::map<int, std::shared_ptr<Entry>> entries_;
  std::jthread thread_;
};

}  // namespace trellis::plugin
