// Which relay of a twin to try first, and how often each was reached.
#pragma once

#include "kernel/base/clock.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace trellis::rmb {

/// Not thread-safe.
class Ranking {
 public:
  /// Failures count for `period_s`.
  Ranking(std::int64_t period_s, Clock const& clock) : period_s_(period_s), clock_(clock) {}

  /// Fewest recent failures first; those with equally many in random order.
  [[nodiscard]] std::vector<std::string> Order(std::vector<std::string> domains);
  void Succeeded(std::string const& domain) { ++RecordOf(domain).successes; }
  /// Counted, but no reason to avoid the relay.
  void Rejected(std::string const& domain) { ++RecordOf(domain).errors; }
  void Failed(std::string const& domain);
  [[nodiscard]] std::string MetricsText() const;

 private:
  struct Record {
    std::deque<std::int64_t> failures;  // unix seconds
    std::uint64_t successes = 0;
    std::uint64_t errors = 0;
  };
  Record& RecordOf(std::string const& domain);

  std::int64_t period_s_;
  Clock const& clock_;
  std::map<std::string, Record> records_;
};

}  // namespace trellis::rmb
