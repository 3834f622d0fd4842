#include "kernel/plugin/plugin_queue.hpp"

#include <sys/prctl.h>

#include <algorithm>

namespace trellis::plugin {

void PluginQueue::StartThread() {
  if (thread_.joinable()) return;
  thread_ = std::thread([this] {
    (void)::prctl(PR_SET_NAME, ("plug-" + name_).substr(0, 15).c_str());
    Loop();
  });
}

void PluginQueue::PostEvent(std::function<void()> event) {
  std::lock_guard const lock(mutex_);
  if (stopping_) return;
  if (events_.size() >= kMaxQueuedEvents) {
    events_.pop_front();
    ++dropped_;
  }
  events_.push_back(std::move(event));
  StartThread();
  changed_.notify_all();
}

std::uint64_t PluginQueue::Schedule(std::chrono::milliseconds delay,
                                    std::chrono::milliseconds period, std::function<void()> task) {
  constexpr std::chrono::hours kLongest{24 * 366};  // keeps the arithmetic of time points safe
  std::lock_guard const lock(mutex_);
  if (stopping_ || tasks_.size() >= kMaxScheduledTasks) return 0;
  auto const clamp = [&](std::chrono::milliseconds time) {
    return std::clamp<std::chrono::milliseconds>(time, std::chrono::milliseconds(0), kLongest);
  };
  auto const id = next_task_++;
  tasks_[id] = {std::chrono::steady_clock::now() + clamp(delay), clamp(period), std::move(task)};
  StartThread();
  changed_.notify_all();
  return id;
}

void PluginQueue::Cancel(std::uint64_t task) {
  std::unique_lock lock(mutex_);
  tasks_.erase(task);
  if (thread_.get_id() == std::this_thread::get_id()) return;
  changed_.wait(lock, [&] { return running_task_ != task; });
}

void PluginQueue::Stop() {
  std::thread ending;
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
    events_.clear();
    tasks_.clear();
    ending = std::move(thread_);
  }
  changed_.notify_all();
  if (ending.joinable()) ending.join();
}

std::uint64_t PluginQueue::dropped() const {
  std::lock_guard const lock(mutex_);
  return dropped_;
}

std::map<std::uint64_t, PluginQueue::Task>::iterator PluginQueue::NextTask() {
  return std::min_element(tasks_.begin(), tasks_.end(),
                          [](auto const& a, auto const& b) { return a.second.due < b.second.due; });
}

void PluginQueue::Loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    auto const next = NextTask();
    auto const now = std::chrono::steady_clock::now();
    std::function<void()> run;
    if (next != tasks_.end() && next->second.due <= now) {
      running_task_ = next->first;
      run = next->second.run;
      next->second.due = now + next->second.period;
      if (next->second.period.count() == 0) tasks_.erase(next);
    } else if (!events_.empty()) {
      run = std::move(events_.front());
      events_.pop_front();
    } else if (next != tasks_.end()) {
      Time const due = next->second.due;  // the task may go away meanwhile
      changed_.wait_until(lock, due);
      continue;
    } else {
      changed_.wait(lock);
      continue;
    }
    lock.unlock();
    run();
    lock.lock();
    running_task_ = 0;
    changed_.notify_all();
  }
}

}  // namespace trellis::plugin
