// How schema 4 had the workloads of a deployment: all of it in one text.
#pragma once

#include "kernel/store/workload_body.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace trellis::store {

struct Format1 {
  BodyHead head;                    ///< BodyHead::created did not exist
  std::vector<WorkloadView> views;  ///< borrow from the text
};

[[nodiscard]] std::string PackFormat1(BodyHead const& head, std::vector<WorkloadView> const& views);
/// kIo when it is damaged.
Result<Format1> ReadFormat1(std::string_view text);

}  // namespace trellis::store
