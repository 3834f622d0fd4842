// Steps of the schema that write the workloads of deployments in another form.
#pragma once

#include "kernel/store/database.hpp"

#include <trellis/result.hpp>

namespace trellis::store {

/// From schema 3, where each workload and each entry of the history was a row, to schema 4. Fills
/// `workloads` and `deployment_type` from `workload` and `change`, whose entries without data are
/// what a workload showed.
Result<void> GatherWorkloads(Database& db);

/// From schema 4, where a deployment's workloads were one text, to schema 5. Fills `new_workloads`
/// and `status` from `workloads`.
Result<void> SplitWorkloads(Database& db);

}  // namespace trellis::store
