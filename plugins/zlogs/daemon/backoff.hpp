// How long to wait before the next try, and how fast to send. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace trellis::plugins::zlogs {

/// 0.2 s doubling to a limit, each a fifth shorter or longer by chance.
class Backoff {
 public:
  using Milliseconds = std::chrono::milliseconds;
  static constexpr Milliseconds kFirst{200};
  static constexpr std::chrono::seconds kSteady{60};

  explicit Backoff(Milliseconds limit) : limit_(std::max(limit, kFirst)) {}

  /// `chance`: 0 to 1. `worked`: how long the last connection did.
  [[nodiscard]] Milliseconds Next(double chance, Milliseconds worked) {
    if (worked >= kSteady) next_ = kFirst;
    auto const delay = std::exchange(next_, std::min(next_ * 2, limit_));
    return Jitter(delay, chance);
  }
  /// For a peer that refuses who we are: no use in asking often.
  [[nodiscard]] Milliseconds Longest(double chance) const { return Jitter(limit_, chance); }

 private:
  static Milliseconds Jitter(Milliseconds delay, double chance) {
    constexpr double kLeast = 0.8;
    constexpr double kSpread = 0.4;
    auto const factor = kLeast + kSpread * std::clamp(chance, 0.0, 1.0);
    return Milliseconds(static_cast<std::int64_t>(static_cast<double>(delay.count()) * factor));
  }

  Milliseconds limit_;
  Milliseconds next_ = kFirst;
};

/// A token bucket: `rate` bytes per second, bursts of four seconds' worth.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::uint64_t kBurstSeconds = 4;

  Pace(std::uint64_t rate, Clock::time_point now)
      : rate_(std::max<std::uint64_t>(rate, 1)), tokens_(rate_ * kBurstSeconds), at_(now) {}

  /// How long to wait until `bytes` may be sent; 0 = now.
  [[nodiscard]] std::chrono::milliseconds Wait(std::uint64_t bytes, Clock::time_point now) {
    Fill(now);
    auto const wanted = std::min(bytes, rate_ * kBurstSeconds);
    if (wanted <= tokens_) return std::chrono::milliseconds(0);
    constexpr std::uint64_t kPerSecond = 1000;
    return std::chrono::milliseconds((wanted - tokens_) * kPerSecond / rate_ + 1);
  }
  void Spend(std::uint64_t bytes) { tokens_ -= std::min(bytes, tokens_); }

 private:
  void Fill(Clock::time_point now) {
    using std::chrono::milliseconds;
    auto const passed = std::chrono::duration_cast<milliseconds>(now - at_).count();
    if (passed <= 0) return;
    constexpr std::uint64_t kPerSecond = 1000;
    constexpr std::int64_t kLongest = 10'000;  // a bucket is full long before
    auto const gained = static_cast<std::uint64_t>(std::min(passed, kLongest)) * rate_ / kPerSecond;
    tokens_ = std::min(tokens_ + gained, rate_ * kBurstSeconds);
    at_ = now;
  }

  std::uint64_t rate_;
  std::uint64_t tokens_;
  Clock::time_point at_;
};

}  // namespace trellis::plugins::zlogs
