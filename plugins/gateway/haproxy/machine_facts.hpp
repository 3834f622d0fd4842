// What the machine offers to the proxy.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <string>

namespace trellis::plugins::gateway {

/// The absolute path of a program. kUnavailable when it is not installed.
Result<std::string> FindProgram(std::string const& name);
/// Descriptors that a process of the supervisor may have. A helper process is itself allowed fewer,
/// so its parent is asked.
Result<std::uint32_t> DescriptorLimit(bool isolated);
/// Threads for the proxy.
std::uint32_t ProxyThreads();
/// Is there an IPv6 stack to listen on?
bool HasIpv6();

}  // namespace trellis::plugins::gateway
