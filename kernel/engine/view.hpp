// Stored rows as clients see them: the JSON of workloads and deployments.
#pragma once

#include "kernel/store/records.hpp"

#include <trellis/result.hpp>

#include <string>
#include <vector>

namespace trellis::engine {

/// The workload with its result:
/// {"version","name","type","data","metadata","description","result":{…}}.
[[nodiscard]] std::string WorkloadJson(store::WorkloadRow const& row);
/// The same for plugins, with "id" first.
[[nodiscard]] std::string PluginWorkloadJson(store::WorkloadRow const& row);
/// The stored document's header fields with the shown workloads, in document order.
Result<std::string> DeploymentJson(store::DeploymentRow const& row,
                                   std::vector<store::WorkloadRow> const& workloads);

}  // namespace trellis::engine
