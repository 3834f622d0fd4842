// Tap devices of machines, in the network namespace of the calling thread.
#pragma once

#include "plugins/network/links.hpp"

#include <string>

namespace trellis::plugins::network {

/// A persistent tap with vnet headers, IPv6 off on its host side, in `bridge` if that is not "" and
/// there, up. Idempotent.
Result<void> EnsureTap(std::string const& name, std::string const& bridge);

}  // namespace trellis::plugins::network
