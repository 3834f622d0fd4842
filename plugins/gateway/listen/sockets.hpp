// Sockets that a program inherits at descriptors it knows.
#pragma once

#include <trellis/result.hpp>

#include <string>
#include <vector>

namespace trellis::plugins::gateway {

/// Listens at each address (`ip:port`, IPv6 in brackets and for IPv6 alone) and leaves the sockets
/// open at the descriptors from `first` on, for the program that takes this one's place. An address
/// that comes again is the same socket. kInvalid, kIo.
Result<void> ListenAt(std::vector<std::string> const& addresses, int first);

}  // namespace trellis::plugins::gateway
