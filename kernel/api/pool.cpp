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

bool Pool::Fits(PoolTicket const& ticket) const {
  if (closing_ || queue_.size() >= limits_.requests) return false;
  if (ticket.bytes > limits_.bytes - waiting_bytes_) return false;
  if (ticket.twin == 0) return true;
  auto const waiting = waiting_of_twin_.find(ticket.twin);
  return waiting == waiting_of_twin_.end() || waiting->second < limits_.per_twin;
}

bool Pool::Post(PoolTicket const& ticket, std::function<void()> work) {
  std::lock_guard const lock(mutex_);
  if (!Fits(ticket)) return false;
  queue_.push_back({ticket, std::move(work)});
  waiting_bytes_ += ticket.bytes;
  if (ticket.twin != 0) ++waiting_of_twin_[ticket.twin];
  Engage();
  return true;
}

void Pool::PostRest(std::function<void()> work) {
  std::lock_guard const lock(mutex_);
  queue_.insert(queue_.begin() + static_cast<std::ptrdiff_t>(rests_++), {{}, std::move(work)});
  Engage();
}

/// Sees to it that somebody takes what was queued.
void Pool::Engage() {
  if (idle_ < queue_.size() && threads_ < max_threads_) {
    ++threads_;
    auto const name = name_ + "-" + std::to_string(started_++ % max_threads_);
    std::thread([this, name] {
      (void)::pthread_setname_np(::pthread_self(), name.c_str());
      Run();
    }).detach();  // the destructor waits until threads_ is 0
  }
  Wake();
}

/// One at a time: the one that comes wakes the next when there is more.
void Pool::Wake() {
  if (queue_.empty() || idle_ == 0 || waking_) return;
  waking_ = true;
  changed_.notify_one();
}

Pool::Item Pool::Take() {
  auto item = std::move(queue_.front());
  queue_.pop_front();
  if (rests_ > 0) --rests_;
  waiting_bytes_ -= item.ticket.bytes;
  auto const waiting = waiting_of_twin_.find(item.ticket.twin);
  if (waiting != waiting_of_twin_.end() && --waiting->second == 0) waiting_of_twin_.erase(waiting);
  return item;
}

void Pool::Wait(std::unique_lock<std::mutex>& lock) {
  auto const until = std::chrono::steady_clock::now() + kIdle;
  while (!closing_ && queue_.empty()) {
    ++idle_;
    bool const told = changed_.wait_until(lock, until) == std::cv_status::no_timeout;
    --idle_;
    waking_ = false;
    if (!told) return;
  }
}

void Pool::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    Wait(lock);
    if (queue_.empty()) break;  // idle for long, or closing
    auto item = Take();
    Wake();
    lock.unlock();
    item.work();
    item.work = nullptr;
    lock.lock();
  }
  --threads_;
  changed_.notify_all();
}

}  // namespace trellis::api
