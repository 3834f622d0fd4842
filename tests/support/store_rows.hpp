// Changes of stored workloads, each with a WorkloadSet of its own.
#pragma once

#include "kernel/store/workload_set.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace trellis::store {

template <class Change>
Result<void> ChangeWorkloads(Database& db, DeploymentKey key, Change const& change) {
  WorkloadSet workloads(key);
  TRELLIS_CHECK(workloads.Load(db));
  TRELLIS_CHECK(change(workloads));
  return workloads.Save(db);
}

inline Result<void> PutWorkload(Database& db, WorkloadRow row) {
  auto const key = row.key;
  return ChangeWorkloads(db, key, [&](WorkloadSet& workloads) -> Result<void> {
    workloads.Put(std::move(row));
    return {};
  });
}

inline Result<void> EraseWorkload(Database& db, DeploymentKey key, std::string_view name) {
  return ChangeWorkloads(db, key,
                         [&](WorkloadSet& workloads) { return workloads.Erase(db, name); });
}

inline Result<void> AddChange(Database& db, WorkloadRow const& row) {
  return ChangeWorkloads(db, row.key,
                         [&](WorkloadSet& workloads) { return workloads.AddChange(db, row); });
}

inline Result<void> EraseDeployment(Database& db, DeploymentKey key, std::int64_t now) {
  WorkloadSet workloads(key);
  TRELLIS_CHECK(workloads.Load(db));
  return workloads.EraseDeployment(db, now);
}

}  // namespace trellis::store
