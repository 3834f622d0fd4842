#include "kernel/api/pool.hpp"

#include <pthread.h>

#include <chrono>

namespace trellis::api {
namespace {
constexpr std::chrono::seconds kIdle(10);
}  // namespace

Pool::~Pool() {
  std::unique_lock lock(mutex_);
  closing_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return threads_ == 0; });
}

bool Pool::Post(std::function<void()> work) {
  std::lock_guard const lock(mutex_);
  if (closing_ || queue_.size() >= queue_limit_) return false;
  queue_.push_back(std::move(work));
  if (idle_ < queue_.size() && threads_ < limit_) {
    ++threads_;
    auto const name = name_ + "-" + std::to_string(started_++ % limit_);
    std::thread([this, name] {
      (void)::pthread_setname_np(::pthread_self(), name.c_str());
      Run();
    }).detach();  // the destructor waits until threads_ is 0
  }
  changed_.notify_one();
  return true;
}

void Pool::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait_for(lock, kIdle, [this] { return closing_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) break;  // idle for long, or closing
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
  --threads_;
  changed_.notify_all();
}

}  // namespace trellis::api
