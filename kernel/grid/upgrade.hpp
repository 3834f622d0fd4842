// The difference between a stored deployment and its next version.
#pragma once

#include "kernel/grid/examiner.hpp"
#include "kernel/grid/validate.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::grid {

/// The values are the published operation numbers.
enum class OpKind : std::uint8_t { kRemove = 0, kAdd = 1, kUpdate = 2 };

/// `remove`, `add` or `update`.
std::string_view ToText(OpKind kind);

struct UpgradeOp {
  OpKind kind = OpKind::kAdd;
  std::string name;
  std::string type;
};

struct Upgrade {
  /// Adds and updates in the order of the new deployment, then removals in the order of the old.
  std::vector<UpgradeOp> ops;
  /// The new deployment with results carried over: updated workloads have the old result, added
  /// ones none, untouched ones are the old ones altogether.
  Deployment merged;
  Validated validated;  ///< of the new deployment as sent
};

/// What `next`, which is valid, changes. kInvalid as PlanUpgrade, but never new_invalid.
Result<std::vector<UpgradeOp>> CompareVersions(Deployment const& old, Deployment const& next);

/// Compares. Changes nothing. kInvalid `[reason] sentence`: new_invalid, ids, deployment_version,
/// new_workload_version, type_change; kUnavailable as Validate.
Result<Upgrade> PlanUpgrade(Deployment const& old, Deployment const& next, TypeExaminer& types);

/// Refuses updates of types that cannot; a workload in state `error` is made anew, so it may.
/// kInvalid `[not_updatable]`.
Result<void> CheckUpdatable(std::vector<UpgradeOp> const& ops, TypeExaminer const& types,
                            std::function<bool(std::string_view name)> const& in_error);

}  // namespace trellis::grid
