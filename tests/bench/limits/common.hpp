// What all limit programs share: the clock, percentiles, one line of output, the reference texts.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::limits {

using Clock = std::chrono::steady_clock;

[[nodiscard]] double SecondsBetween(Clock::time_point from, Clock::time_point to);
[[nodiscard]] double NowUs();

/// The value below which the part `share` of them lies; sorts partly.
[[nodiscard]] double Percentile(std::vector<double>& values, double share);

/// One measured case: a table line for people, or with SetJson one JSON object a line for programs.
struct Row {
  std::string name;
  double per_s = 0;
  std::vector<double> latencies_us;
  std::vector<std::pair<std::string, double>> more;  ///< further figures by name
};
void SetJson();
void Print(Row row);

/// A stored result of `size` bytes, as a plugin might answer it.
[[nodiscard]] std::string ResultRecord(std::size_t size = 2048);

/// About 3.7 KB: network, ip, zmount, zmachine, zlogs and gateway, one signature.
[[nodiscard]] std::string ReferenceDocument();

/// Ends the program: a limit that cannot be measured is no limit.
[[noreturn]] void Die(std::string_view what);

}  // namespace trellis::limits
