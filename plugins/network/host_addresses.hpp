// Addresses of the node itself, in the network namespace of the calling thread.
#pragma once

#include <trellis/net.hpp>

#include <string>
#include <vector>

namespace trellis::plugins::network {

/// The link that holds the IPv4 default route; "" when there is none.
Result<std::string> DefaultLink();
/// Addresses of the link `name` that others may reach: neither link-local nor private IPv6 ones.
/// "" = of the bridge `zos` if there is one, else of the link that holds the IPv4 default route;
/// empty when there is none.
Result<std::vector<IpAddress>> ManagementAddresses(std::string name);
/// Has the node a global IPv6 address, not a private one?
Result<bool> HasPublicV6();

}  // namespace trellis::plugins::network
