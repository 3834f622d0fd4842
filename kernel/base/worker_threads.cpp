#include "kernel/base/worker_threads.hpp"

#include "kernel/base/late_wakes.hpp"

#include <pthread.h>

#include <chrono>
#include <thread>

namespace trellis {
namespace {
constexpr std::chrono::seconds kIdle(10);
}  // namespace

void WorkerThreads::Engage() {
  if (idle_ < source_.waiting() && threads_ < limit_) Start();
  Wake();
}

void WorkerThreads::End(std::unique_lock<std::mutex>& lock) {
  ending_ = true;
  changed_->notify_all();
  changed_->wait(lock, [this] { return threads_ == 0; });
}

void WorkerThreads::Start() {
  ++threads_;
  auto const name = name_ + "-" + std::to_string(started_++ % limit_);
  std::thread([this, name] {
    (void)::pthread_setname_np(::pthread_self(), name.c_str());
    Run();
  }).detach();  // End waits until threads_ is 0
}

/// One at a time: the one that comes wakes the next when there is more.
void WorkerThreads::Wake() {
  if (source_.waiting() == 0 || idle_ == 0 || waking_) return;
  waking_ = true;
  LateWakes::Wake([changed = changed_] { changed->notify_one(); });
}

void WorkerThreads::Wait(std::unique_lock<std::mutex>& lock) {
  auto const until = std::chrono::steady_clock::now() + kIdle;
  while (!ending_ && source_.waiting() == 0) {
    ++idle_;
    bool const told = changed_->wait_until(lock, until) == std::cv_status::no_timeout;
    --idle_;
    waking_ = false;
    if (!told) return;
  }
}

void WorkerThreads::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    Wait(lock);
    if (source_.waiting() == 0) break;  // idle for long, or ending
    auto work = source_.take();
    Wake();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
  --threads_;
  changed_->notify_all();
}

}  // namespace trellis
