#include "plugins/gateway/acme/failures.hpp"

#include "plugins/common/posix/files.hpp"

#include <trellis/json.hpp>

#include <algorithm>
#include <vector>

namespace trellis::plugins::gateway {

namespace {

constexpr std::chrono::minutes kFirstPause{2};
constexpr std::chrono::hours kLongestPause{12};
/// One that was not tried again so long after it might have been is forgotten.
constexpr std::chrono::hours kRemembered{24};
constexpr std::size_t kMaxFile = std::size_t{16} << 20;

struct StoredFailure {
  std::string domain;
  std::uint32_t failures = 0;
  std::int64_t next_unix = 0;
};
BOOST_DESCRIBE_STRUCT(StoredFailure, (), (domain, failures, next_unix))

std::int64_t Unix(OrderFailures::Clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

std::chrono::seconds PauseAfter(unsigned failures) {
  std::chrono::seconds pause = kFirstPause;
  for (unsigned i = 1; i < failures && pause < kLongestPause; ++i)
    pause *= 2;
  return std::min<std::chrono::seconds>(pause, kLongestPause);
}

// What cannot be read is as if nothing had failed: worse would be no certificates at all.
void OrderFailures::Load() {
  if (std::exchange(loaded_, true)) return;
  auto const text = ReadFile(file_, kMaxFile);
  auto const stored = text ? json::Parse<std::vector<StoredFailure>>(*text)
                           : Result<std::vector<StoredFailure>>(std::vector<StoredFailure>{});
  if (!stored) return;
  for (auto const& failure : *stored)
    records_[failure.domain] = {failure.failures, failure.next_unix};
}

Result<void> OrderFailures::Save() const {
  std::vector<StoredFailure> stored;
  for (auto const& [domain, record] : records_)
    stored.push_back({domain, record.failures, record.next_unix});
  return WriteFile(file_, json::Dump(stored), 0600);
}

OrderFailures::Clock::time_point OrderFailures::Next(std::string const& domain,
                                                     Clock::time_point now) {
  Load();
  auto const found = records_.find(domain);
  if (found == records_.end()) return {};
  // Of a clock that was ahead then.
  return std::min(Clock::time_point(std::chrono::seconds(found->second.next_unix)),
                  now + kLongestPause);
}

Result<void> OrderFailures::Failed(std::string const& domain, std::chrono::seconds wait,
                                   Clock::time_point now) {
  Load();
  std::erase_if(records_, [&](auto const& entry) {
    return entry.second.next_unix < Unix(now - kRemembered);
  });
  auto& record = records_[domain];
  wait = std::clamp<std::chrono::seconds>(wait, PauseAfter(++record.failures), kLongestPause);
  record.next_unix = Unix(now + wait);
  return Save();
}

Result<void> OrderFailures::Succeeded(std::string const& domain) {
  Load();
  return records_.erase(domain) != 0 ? Save() : Result<void>();
}

}  // namespace trellis::plugins::gateway
