// What the machine is, and who talks to it.
#pragma once

#include <cstdint>
#include <string>

namespace trellis::sys {

/// Name of the hypervisor this machine runs on (`kvm`, `vmware`, …; what it calls itself when it is
/// an unknown one); "" on bare metal.
[[nodiscard]] std::string Hypervisor();
/// Established TCP connections in this network namespace.
[[nodiscard]] std::uint64_t TcpConnections();

}  // namespace trellis::sys
