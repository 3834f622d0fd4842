// How fast the node's processors are, as a number that nodes can be compared by.
#pragma once

#include <cstdint>
#include <string>

namespace trellis::api {

struct CpuScore {
  double single = 0;  ///< thousand hashes per second of one thread
  double multi = 0;   ///< of all threads together
  std::uint64_t threads = 0;
};

/// Takes about a second, at the lowest priority: workloads come first.
[[nodiscard]] CpuScore MeasureCpu();

/// {"single","multi","threads","workloads"}
[[nodiscard]] std::string CpuScoreJson(CpuScore const& score, std::int64_t workloads);

}  // namespace trellis::api
