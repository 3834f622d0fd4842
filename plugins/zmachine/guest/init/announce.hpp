// Tells the switch where an address lives, so that the first packet to it is not lost.
#pragma once

#include "plugins/zmachine/guest/init/netlink.hpp"

#include <string>

namespace trellis::guest {

/// Sends a gratuitous ARP or an unsolicited neighbour advertisement; failures do not matter.
void Announce(int interface, std::string const& mac, Network const& address);

}  // namespace trellis::guest
