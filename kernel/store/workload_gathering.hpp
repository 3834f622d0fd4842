// The step from schema 3, where each workload and each entry of the history was a row, to schema 4.
#pragma once

#include "kernel/store/database.hpp"

#include <trellis/result.hpp>

namespace trellis::store {

/// Fills `workloads` and `deployment_type` from `workload` and `change`, whose entries without data
/// are what a workload showed.
Result<void> GatherWorkloads(Database& db);

}  // namespace trellis::store
