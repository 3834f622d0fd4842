// The configuration of the message bus as its parts want it.
#pragma once

#include "kernel/node/config.hpp"
#include "kernel/rmb/fair_pool.hpp"
#include "kernel/rmb/relay/options.hpp"

#include <trellis/result.hpp>

#include <string_view>

namespace trellis::node {

/// kInvalid names the key; kNotFound, kIo for a password file.
Result<rmb::RelayOptions> RelayOptionsOf(RelayConfig const& config);

/// Of the threads that check signatures.
[[nodiscard]] rmb::FairLimits VerifierLimits();

/// `redis://host[:port][/database]`. kInvalid.
Result<rmb::RedisOptions> ParseRedisUrl(std::string_view url);

}  // namespace trellis::node
