// Letters and bytes of a twin in fixed windows of 60 s.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

namespace trellis::rmb {

struct RelayRateLimit {
  std::uint64_t messages = 0;  ///< of one twin in a window
  std::uint64_t bytes = 0;
};

/// Not thread-safe: belongs to the relay's I/O thread.
class RateLimit {
 public:
  explicit RateLimit(std::optional<RelayRateLimit> const& limit) : limit_(limit) {}

  /// Counts the message. One that is larger than all of a window fails and is not counted.
  [[nodiscard]] bool Admit(std::uint32_t twin, std::uint64_t size, std::int64_t now) {
    if (!limit_.has_value()) return true;
    if (size > limit_->bytes) return false;
    if (auto const number = now / kWindowSeconds; number != window_) {
      window_ = number;
      used_.clear();
    }
    auto& used = used_[twin];
    ++used.messages;
    used.bytes += size;
    return used.messages <= limit_->messages && used.bytes <= limit_->bytes;
  }

 private:
  static constexpr std::int64_t kWindowSeconds = 60;

  std::optional<RelayRateLimit> limit_;
  std::int64_t window_ = 0;
  std::unordered_map<std::uint32_t, RelayRateLimit> used_;  // of twins in this window
};

}  // namespace trellis::rmb
