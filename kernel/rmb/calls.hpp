// Requests that wait for their answers.
#pragma once

#include "kernel/rmb/inbox.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace trellis::rmb {

/// Safe for use by several threads.
class Calls {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// An answer, or nothing when the time is over or the peer closes.
  enum class End : std::uint8_t { kAnswered, kTimeout, kClosed };
  using Done = std::function<void(End, IncomingAnswer)>;

  /// False: too many are open, or no more are taken.
  [[nodiscard]] bool Add(std::string uid, std::uint32_t twin, Time deadline, Done done);
  /// Is there a call that this twin (0: a relay) may answer?
  [[nodiscard]] bool Expects(std::string_view uid, std::uint32_t from) const;
  /// Hands the answer over, when somebody waits for it.
  void Settle(IncomingAnswer answer);
  /// Ends calls whose time is over; when to look again.
  [[nodiscard]] std::optional<Time> Expire(Time now);
  /// Ends all calls and takes no more.
  void Close();

  static constexpr std::size_t kMaxOpen = 100000;

 private:
  struct Call {
    std::uint32_t twin = 0;
    Done done;
    std::multimap<Time, std::string>::iterator deadline;
  };

  mutable std::mutex mutex_;  // guards everything below
  std::unordered_map<std::string, Call> calls_;
  std::multimap<Time, std::string> deadlines_;
  bool closed_ = false;
};

}  // namespace trellis::rmb
