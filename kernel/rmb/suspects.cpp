#include "kernel/rmb/suspects.hpp"

namespace trellis::rmb {

/// Null when too many twins are remembered.
Suspects::Record* Suspects::RecordOf(std::uint32_t twin, std::uint64_t now) {
  auto const found = records_.find(twin);
  if (found != records_.end()) return &found->second;
  if (records_.size() >= kMaxTwins) {
    std::erase_if(records_, [&](auto const& item) {
      return item.second.bad_until <= now && item.second.window + kMemory <= now;
    });
  }
  return records_.size() >= kMaxTwins ? nullptr : &records_[twin];
}

void Suspects::Note(std::uint32_t twin, std::uint64_t now) {
  std::lock_guard const lock(mutex_);
  if (auto* const record = RecordOf(twin, now); record != nullptr)
    record->bad_until = now + kMemory;
}

bool Suspects::IsSuspect(std::uint32_t twin, std::uint64_t now) const {
  std::lock_guard const lock(mutex_);
  auto const found = records_.find(twin);
  return found != records_.end() && found->second.bad_until > now;
}

void Suspects::BeginSecond(std::uint64_t now) {
  if (now == second_) return;
  second_ = now;
  answers_ = 0;
  checks_ = 0;
}

bool Suspects::MayCheck(std::uint32_t twin, std::uint64_t now) {
  std::lock_guard const lock(mutex_);
  auto* const record = RecordOf(twin, now);
  if (record == nullptr) return false;
  BeginSecond(now);
  if (record->second != now) {
    record->second = now;
    record->checks = 0;
  }
  if (record->checks >= kChecksOfTwin || checks_ >= kChecksOfAll) return false;
  ++record->checks;
  ++checks_;
  return true;
}

bool Suspects::MayAnswer(std::uint32_t twin, std::uint64_t now) {
  std::lock_guard const lock(mutex_);
  auto* const record = RecordOf(twin, now);
  if (record == nullptr) return false;
  if (now >= record->window + kMemory) {
    record->window = now;
    record->answers = 0;
  }
  BeginSecond(now);
  if (record->answers >= kAnswersOfTwin || answers_ >= kAnswersOfAll) return false;
  ++record->answers;
  ++answers_;
  return true;
}

}  // namespace trellis::rmb
