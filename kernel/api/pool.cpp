#include "kernel/api/pool.hpp"

namespace trellis::api {

Pool::Pool(std::string name, std::size_t threads, QueueLimits const& limits)
    : limits_(limits),
      threads_(std::move(name), threads, mutex_,
               {[this] { return queue_.size(); }, [this] { return Take(); }}) {}

Pool::~Pool() {
  std::unique_lock lock(mutex_);
  threads_.End(lock);
}

bool Pool::Fits(PoolTicket const& ticket) const {
  if (threads_.ending() || queue_.size() >= limits_.requests) return false;
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
  threads_.Engage();
  return true;
}

void Pool::PostRest(std::function<void()> work) {
  std::lock_guard const lock(mutex_);
  queue_.insert(queue_.begin() + static_cast<std::ptrdiff_t>(rests_++), {{}, std::move(work)});
  threads_.Engage();
}

std::function<void()> Pool::Take() {
  auto item = std::move(queue_.front());
  queue_.pop_front();
  if (rests_ > 0) --rests_;
  waiting_bytes_ -= item.ticket.bytes;
  auto const waiting = waiting_of_twin_.find(item.ticket.twin);
  if (waiting != waiting_of_twin_.end() && --waiting->second == 0) waiting_of_twin_.erase(waiting);
  return std::move(item.work);
}

}  // namespace trellis::api
