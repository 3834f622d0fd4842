// What a network must fulfil to be built on a node, beyond being well-formed. Pure functions.
#pragma once

#include "plugins/network/data.hpp"

#include <set>
#include <string_view>
#include <vector>

namespace trellis::plugins::network {

/// Ports that user networks can never listen on.
std::set<std::uint16_t> const& FixedPorts();
/// Name, ranges, keys and peers; kInvalid with the first fault. Secrets are never in the text.
Result<void> CheckNetwork(std::string_view name, Network const& data,
                          std::vector<IpNet> const& allow_ranges);
/// kConflict when `port` is fixed or in `used`; port 0 is always fine.
Result<void> CheckPort(std::uint16_t port, std::set<std::uint16_t> const& used);

}  // namespace trellis::plugins::network
