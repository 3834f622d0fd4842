// The kernel's messages about WireGuard devices: generic netlink, see linux/wireguard.h.
#pragma once

#include "plugins/network/netlink.hpp"
#include "plugins/network/wireguard.hpp"

#include <memory>
#include <string>
#include <vector>

namespace trellis::plugins::network {

/// Requests that make `change` on the link, in order. `family` is the kernel's number of the
/// protocol. Long peers take several.
std::vector<std::unique_ptr<NetlinkMessage>> SetMessages(std::uint16_t family,
                                                         std::string const& link,
                                                         WireGuardChange const& change);
/// Adds what one message says to `device`; a peer may go on in the next message.
void ReadDevice(nlmsghdr const* message, WireGuardDevice& device);

/// The link's configuration, in the namespace of the calling thread. kNotFound.
Result<WireGuardDevice> ReadKernelDevice(std::string const& link);
Result<void> ChangeKernelDevice(std::string const& link, WireGuardChange const& change);

}  // namespace trellis::plugins::network
