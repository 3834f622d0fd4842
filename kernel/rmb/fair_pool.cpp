#include "kernel/rmb/fair_pool.hpp"

#include <utility>

namespace trellis::rmb {

FairPool::FairPool(std::string name, FairLimits const& limits)
    : limits_(limits),
      threads_(std::move(name), limits.threads, mutex_,
               {[this] { return waiting_; }, [this] { return Take(); }}) {}

FairPool::~FairPool() {
  Turns normal;  // dropped after the lock: what a piece of work holds may be large
  Turns suspect;
  std::unique_lock lock(mutex_);
  std::swap(normal, normal_);
  std::swap(suspect, suspect_);
  waiting_ = 0;
  threads_.End(lock);
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
  if (threads_.ending() || !HasRoom(turns, key, bytes)) return false;
  auto found = turns.by_key.find(key);
  if (found == turns.by_key.end()) {
    turns.queues.push_back(Queue{key, {}, 0});
    found = turns.by_key.emplace(key, std::prev(turns.queues.end())).first;
  }
  found->second->pieces.push_back({std::move(work), bytes});
  found->second->bytes += bytes;
  ++waiting_;
  bytes_ += bytes;
  threads_.Engage();
  return true;
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

}  // namespace trellis::rmb
