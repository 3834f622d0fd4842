// What a job has to do, made at run time from the stored rows and the job's own document.
#pragma once

#include "kernel/grid/deployment.hpp"
#include "kernel/plugin/types.hpp"
#include "kernel/store/records.hpp"

#include <trellis/result.hpp>

#include <map>
#include <string>
#include <vector>

namespace trellis::engine {

/// One operation on one workload. `row` is the wanted row for provision and update (not stored
/// yet), the stored one for the rest.
struct PlannedStep {
  plugin::Op op = plugin::Op::kProvision;
  store::WorkloadRow row;
  Capacity capacity;                      ///< provision and update
  std::vector<std::string> dependencies;  ///< names of workloads that must be okay first
};

struct Plan {
  std::vector<PlannedStep> removes;  ///< reverse order
  std::vector<PlannedStep> changes;  ///< adds and updates, in order
};

/// Position of each type: topological over `after`, then rank, then name. Unknown types come last.
[[nodiscard]] std::map<std::string, std::size_t, std::less<>> TypeOrder(
    std::vector<plugin::TypeInfo> const& types);

/// Sorts rows for provisioning: type order, then descending weight, then document position.
void SortForProvision(std::vector<store::WorkloadRow>& rows, plugin::Plugins& plugins);

/// The plan of an `apply` job.
Result<Plan> PlanApply(grid::Deployment const& target, store::JobRow const& job,
                       std::vector<store::WorkloadRow> const& rows, plugin::Plugins& plugins);

}  // namespace trellis::engine
