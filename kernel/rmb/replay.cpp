#include "kernel/rmb/replay.hpp"

#include "kernel/crypto/hash.hpp"

#include <algorithm>
#include <cstring>

namespace trellis::rmb {

std::size_t ReplayTable::KeyHash::operator()(Key const& key) const {
  std::size_t hash = 0;  // the key is a digest: any part of it will do
  std::memcpy(&hash, key.data(), sizeof hash);
  return hash;
}

ReplayTable::Key ReplayTable::KeyOf(std::uint32_t twin, std::string_view uid) {
  auto const text = std::to_string(twin).append("/").append(uid);
  auto const digest = crypto::Blake2b256(crypto::AsBytes(text));
  Key key;
  std::copy_n(digest.begin(), key.size(), key.begin());
  return key;
}

ReplayTable::~ReplayTable() {
  oldest_.clear();
  for (auto& [twin, order] : oldest_of_)
    order.clear();
}

void ReplayTable::DropAnswer(Entry& entry) {
  if (entry.answer == nullptr) return;
  answer_bytes_ -= entry.answer->size();
  entry.answer = nullptr;
}

void ReplayTable::Remove(Entry& entry) {
  DropAnswer(entry);
  oldest_.erase(oldest_.iterator_to(entry));
  auto const of_twin = oldest_of_.find(entry.twin);
  of_twin->second.erase(of_twin->second.iterator_to(entry));
  if (of_twin->second.empty()) oldest_of_.erase(of_twin);
  entries_.erase(entries_.find(entry.key));
}

ReplayTable::Seen ReplayTable::Enter(std::uint32_t twin, std::string_view uid, std::uint64_t until,
                                     std::uint64_t now) {
  auto const key = KeyOf(twin, uid);
  std::lock_guard const lock(mutex_);
  if (auto const found = entries_.find(key); found != entries_.end()) {
    if (found->second.until > now) return {false, found->second.answer};
    Remove(found->second);
  }
  while (!oldest_.empty() && (oldest_.front().until <= now || entries_.size() >= limits_.entries))
    Remove(oldest_.front());
  if (auto const of_twin = oldest_of_.find(twin);
      of_twin != oldest_of_.end() && of_twin->second.size() >= limits_.of_twin)
    Remove(of_twin->second.front());
  auto& entry = entries_[key];
  entry.key = key;
  entry.twin = twin;
  entry.until = until;
  oldest_.push_back(entry);
  oldest_of_[twin].push_back(entry);
  return {};
}

void ReplayTable::Answer(std::uint32_t twin, std::string_view uid, AnswerPtr answer) {
  if (answer->size() > limits_.answer_bytes) return;
  auto const key = KeyOf(twin, uid);
  std::lock_guard const lock(mutex_);
  auto const found = entries_.find(key);
  if (found == entries_.end()) return;
  DropAnswer(found->second);
  answer_bytes_ += answer->size();
  found->second.answer = std::move(answer);
  answered_.push_back(key);
  while (answer_bytes_ > limits_.total_answer_bytes || answered_.size() > 2 * limits_.entries) {
    auto const oldest = entries_.find(answered_.front());
    answered_.pop_front();
    if (oldest != entries_.end()) DropAnswer(oldest->second);
  }
}

std::size_t ReplayTable::size() const {
  std::lock_guard const lock(mutex_);
  return entries_.size();
}

}  // namespace trellis::rmb
