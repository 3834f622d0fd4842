// What kind of request comes when.
#pragma once

#include "tools/load/options.hpp"
#include "tools/load/requests.hpp"

#include <trellis/result.hpp>

#include <vector>

namespace trellis::load {

struct Schedule {
  std::vector<Kind> kinds;
  std::vector<double> due_us;  ///< ascending; all 0 where answers decide
};

/// From the mode, the mix or the replayed file. kInvalid, kDecode.
Result<Schedule> MakeSchedule(Options const& options);

}  // namespace trellis::load
