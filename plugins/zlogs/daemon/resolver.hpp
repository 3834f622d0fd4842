// Names of peers, asked of the name servers of the machine's network.
#pragma once

#include <trellis/result.hpp>

#include <string>
#include <vector>

namespace trellis::plugins::zlogs {

/// Addresses of `host` as text, IPv4 first; an address is its own. Neither the host's resolver nor
/// its files are asked. `servers`: IPv4 addresses, `:port` may follow. Blocks for a few seconds.
/// kNotFound, kUnavailable, kInvalid for a server that is no address.
Result<std::vector<std::string>> Resolve(std::string const& host,
                                         std::vector<std::string> const& servers);

}  // namespace trellis::plugins::zlogs
