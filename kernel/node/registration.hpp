// The node's record on the ledger.
#pragma once

#include "kernel/ledger/ledger.hpp"

#include <trellis/capacity.hpp>
#include <trellis/result.hpp>

#include <cstdint>

namespace trellis::node {

/// Writes what the node has to its record when that says something else: clients choose nodes by
/// it. `twin` is the node's own.
Result<void> PublishResources(ledger::Ledger& ledger, std::uint32_t node, std::uint32_t twin,
                              Capacity const& total);

}  // namespace trellis::node
