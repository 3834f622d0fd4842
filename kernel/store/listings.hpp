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

/// The workloads of the first `limit` deployments above `after`, ascending by contract and in
/// document order. The first page: a key of zeros.
struct WorkloadPage {
  std::vector<WorkloadRow> rows;
  DeploymentKey last;  ///< where the next page begins
  bool more = false;   ///< there may be one
};
Result<WorkloadPage> ListWorkloadsAfter(Database& db, DeploymentKey after, std::size_t limit);

/// Does a deployment with these workloads count as one? Not when all are in error or deleted.
[[nodiscard]] bool IsActive(std::vector<WorkloadRow> const& rows);

/// Id and type of every workload.
Result<std::vector<std::pair<std::string, std::string>>> ListWorkloadIds(Database& db);

/// What is left of a removed deployment: its history as a JSON list.
Result<std::optional<std::string>> FindTombstone(Database& db, DeploymentKey key);

}  // namespace trellis::store
