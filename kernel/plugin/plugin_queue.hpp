// A plugin's own queue: events and scheduled tasks run here, one at a time, beside the plugin's
// code.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace trellis::plugin {

inline constexpr std::size_t kMaxQueuedEvents = 1024;
inline constexpr std::size_t kMaxScheduledTasks = 1024;

/// Thread `plug-<name>`, started with the first event or task. Thread-safe.
class PluginQueue {
 public:
  explicit PluginQueue(std::string name) : name_(std::move(name)) {}
  ~PluginQueue() { Stop(); }
  PluginQueue(PluginQueue const&) = delete;
  PluginQueue& operator=(PluginQueue const&) = delete;

  /// Drops the oldest event when full.
  void PostEvent(std::function<void()> event);
  /// 0 = refused.
  std::uint64_t Schedule(std::chrono::milliseconds delay, std::chrono::milliseconds period,
                         std::function<void()> task);
  /// Waits for a running task unless called from it.
  void Cancel(std::uint64_t task);
  /// Ends the thread after the running event or task; nothing runs afterwards.
  void Stop();

  [[nodiscard]] std::uint64_t dropped() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Task {
    Time due;
    std::chrono::milliseconds period{0};
    std::function<void()> run;
  };
  void StartThread();
  void Loop();
  std::map<std::uint64_t, Task>::iterator NextTask();

  std::string const name_;
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::deque<std::function<void()>> events_;
  std::map<std::uint64_t, Task> tasks_;
  std::uint64_t next_task_ = 1;
  std::uint64_t running_task_ = 0;
  std::uint64_t dropped_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace trellis::plugin
