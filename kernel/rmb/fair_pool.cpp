#include "kernel/rmb/fair_pool.hpp"

#include <pthread.h>

#include <chrono>
#include <thread>
#include <utility>

namespace trellis::rmb {
namespace {
constexpr std::chrono::seconds kIdle(10);
}  // namespace

FairPool::~FairPool() {
  Turns normal;  // dropped after the lock: what a piece of work holds may be large
  Turns suspect;
  std::unique_lock lock(mutex_);
  closing_ = true;
  std::swap(normal, normal_);
  std::swap(suspect, suspect_);
  waiting_ = 0;
  changed_.notify_all();
  changed_.wait(lock, [this] { return threads_ == 0; });
}

bool FairPool::HasRoom(Turns const& turns, std::uint64_t key, std::size_t bytes) const {
  if (waiting_ >= limits_.total || bytes_ + bytes > limits_.total_bytes) return waiting_ == 0;
  auto const found = turns.by_key.find(key);
  if (found == turns.by_key.end()) return true;
  auto const& queue = *found->second;
  return queue.pieces.size() < limits_.per_key && queue.bytes + bytes <= limits_.per_key_bytes;
}

bool FairPool::Post(std::uint64_t key, Lane lane, std::size_t bytes, Work work) {
  std::lock_guard const lock(mutex_);
  auto& turns = lane == Lane::kSuspect ? suspect_ : normal_;
  if (closing_ || !HasRoom(turns, key, bytes)) return false;
  auto found = turns.by_key.find(key);
  if (found == turns.by_key.end()) {
    turns.queues.push_back(Queue{key, {}, 0});
    found = turns.by_key.emplace(key, std::prev(turns.queues.end())).first;
  }
  found->second->pieces.push_back({std::move(work), bytes});
  found->second->bytes += bytes;
  ++waiting_;
  bytes_ += bytes;
  if (idle_ < waiting_ && threads_ < limits_.threads) StartThread();
  Wake();
  return true;
}

/// One at a time: the one that comes wakes the next when there is more.
void FairPool::Wake() {
  if (waiting_ == 0 || idle_ == 0 || waking_) return;
  waking_ = true;
  changed_.notify_one();
}

void FairPool::StartThread() {
  ++threads_;
  auto const name = name_ + "-" + std::to_string(started_++ % limits_.threads);
  std::thread([this, name] {
    (void)::pthread_setname_np(::pthread_self(), name.c_str());
    Run();
  }).detach();  // the destructor waits until threads_ is 0
}

FairPool::Work FairPool::Take() {
  auto& turns = normal_.queues.empty() ? suspect_ : normal_;
  auto const turn = turns.queues.begin();
  auto piece = std::move(turn->pieces.front());
  turn->pieces.pop_front();
  turn->bytes -= piece.bytes;
  --waiting_;
  bytes_ -= piece.bytes;
  if (turn->pieces.empty()) {
    turns.by_key.erase(turn->key);
    turns.queues.erase(turn);
  } else {
    turns.queues.splice(turns.queues.end(), turns.queues, turn);
  }
  return std::move(piece.work);
}

void FairPool::Wait(std::unique_lock<std::mutex>& lock) {
  auto const until = std::chrono::steady_clock::now() + kIdle;
  while (!closing_ && waiting_ == 0) {
    ++idle_;
    bool const told = changed_.wait_until(lock, until) == std::cv_status::no_timeout;
    --idle_;
    waking_ = false;
    if (!told) return;
  }
}

void FairPool::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    Wait(lock);
    if (waiting_ == 0) break;  // idle for long, or closing
    auto work = Take();
    Wake();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
  --threads_;
  changed_.notify_all();
}

}  // namespace trellis::rmb
