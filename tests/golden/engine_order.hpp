// The order in which the engine carries an update out.
#pragma once

#include "kernel/grid/deployment.hpp"
#include "kernel/grid/upgrade.hpp"

#include <string>
#include <vector>

namespace trellis::golden {

/// `remove zmount a`, …: what the engine plans for `next` when everything of `old` is applied.
std::vector<std::string> PlannedOrder(grid::Deployment const& old, grid::Deployment const& next);

/// A published order with the freedom that the engine takes: within one type the heaviest first,
/// and removals in exact reverse of that.
std::vector<std::string> WithWeights(std::vector<grid::UpgradeOp> const& published,
                                     grid::Deployment const& old, grid::Deployment const& next);

/// The computed operations in published order: a stable sort by the engine's type order, removals
/// first and in reverse.
std::vector<grid::UpgradeOp> PublishedOrder(std::vector<grid::UpgradeOp> ops);

/// As PlannedOrder writes an operation.
std::string OpText(grid::UpgradeOp const& op);
std::vector<std::string> OpTexts(std::vector<grid::UpgradeOp> const& ops);

}  // namespace trellis::golden
