// Walking through everything that is stored, page by page, without its documents.
#pragma once

#include "kernel/store/records.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace trellis::store {

/// A deployment without its document.
struct DeploymentBrief {
  DeploymentKey key;
  std::uint32_t version = 0;
  Desired desired = Desired::kPresent;
  std::int64_t created = 0;
  std::string message;
};

/// Ascending by contract, those above `after`, at most `limit`. The first page: a key of zeros.
Result<std::vector<DeploymentBrief>> ListBriefs(Database& db, DeploymentKey after,
                                                std::size_t limit);

/// All of one twin, ascending by contract.
Result<std::vector<DeploymentBrief>> ListBriefsOf(Database& db, std::uint32_t twin);

/// A workload without its data.
struct WorkloadBrief {
  DeploymentKey key;
  std::string name;
  std::string type;
  std::uint32_t pos = 0;
  std::string state;
  std::string message;
  bool applied = false;  ///< was ok once
  std::int64_t next_try = 0;

  [[nodiscard]] bool IsOkay() const { return state == "ok" || state == "paused"; }
};
/// Where a walk over all workloads stands; the first page: an empty one.
struct WorkloadCursor {
  DeploymentKey key;
  std::string name;
};
/// Ascending by contract and name, those above `after`, at most `limit`.
Result<std::vector<WorkloadBrief>> ListWorkloadBriefs(Database& db, WorkloadCursor const& after,
                                                      std::size_t limit);
/// Of one deployment, in document order.
Result<std::vector<WorkloadBrief>> ListWorkloadBriefsOf(Database& db, DeploymentKey key);

/// Id and type of every workload.
Result<std::vector<std::pair<std::string, std::string>>> ListWorkloadIds(Database& db);

/// What is left of a removed deployment: its history as a JSON list.
Result<std::optional<std::string>> FindTombstone(Database& db, DeploymentKey key);

}  // namespace trellis::store
