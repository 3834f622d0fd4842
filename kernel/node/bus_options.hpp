// The configuration of the message bus as its parts want it.
#pragma once

#include "kernel/node/config.hpp"
#include "kernel/rmb/fair_pool.hpp"
#include "kernel/rmb/relay/options.hpp"

#include <trellis/result.hpp>

namespace trellis::node {

/// kInvalid names the key.
Result<rmb::RelayOptions> RelayOptionsOf(RelayConfig const& config);

/// Of the threads that check signatures.
[[nodiscard]] rmb::FairLimits VerifierLimits();

}  // namespace trellis::node
