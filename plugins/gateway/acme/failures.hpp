// How often orders for a domain failed, and when it may be tried again. Durable, so that neither a
// restart nor a route that comes and goes makes the node ask more often. Not thread-safe.
#pragma once

#include <trellis/result.hpp>

#include <chrono>
#include <map>
#include <string>

namespace trellis::plugins::gateway {

/// The pause after the nth failure in a row: 2 min, doubled up to 12 h, so that no domain fails
/// more than five times in an hour.
std::chrono::seconds PauseAfter(unsigned failures);

class OrderFailures {
 public:
  using Clock = std::chrono::system_clock;

  /// Kept in `file`, which is read with the first question.
  explicit OrderFailures(std::string file) : file_(std::move(file)) {}

  /// When the domain may be tried; in the past when it never failed.
  Clock::time_point Next(std::string const& domain, Clock::time_point now);
  /// One more, at `now`; `wait`: what the authority asked for, if it is longer.
  Result<void> Failed(std::string const& domain, std::chrono::seconds wait, Clock::time_point now);
  Result<void> Succeeded(std::string const& domain);

 private:
  struct Record {
    unsigned failures = 0;
    std::int64_t next_unix = 0;
  };
  void Load();
  Result<void> Save() const;

  std::string file_;
  bool loaded_ = false;
  std::map<std::string, Record> records_;  // by domain
};

}  // namespace trellis::plugins::gateway
