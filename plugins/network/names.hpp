// Names, addresses and hardware addresses that follow from ids. All functions are pure.
#pragma once

#include <trellis/net.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace trellis::plugins::network {

using MacAddress = std::array<std::uint8_t, 6>;

/// The NetID of a twin's network: 13 characters of base58.
std::string NetId(std::uint32_t twin, std::string_view name);
/// U(id, suffix): 13 characters that tell one device of a workload from all others.
std::string UniqueName(std::string_view id, std::string_view suffix);
/// HW(input): a unicast, locally administered hardware address that every client derives alike.
MacAddress HardwareAddress(std::string_view input);
/// `aa:bb:cc:dd:ee:ff`.
std::string MacText(MacAddress const& mac);
/// V6(NetID, ip): the private IPv6 address beside an IPv4 address of a network; prefix /64.
IpAddress PrivateV6(std::string_view net_id, IpAddress const& ip);
/// W(subnet): the address of a node's WireGuard link.
IpAddress WireGuardAddress(IpAddress const& subnet);
/// The fd00:: address beside a lease in 100.127.0.0/16; prefix /64.
IpAddress NdmzV6(IpAddress const& lease);

/// SLAAC(mac, prefix): what a link with that hardware address gives itself in a /64.
IpNet SlaacAddress(MacAddress const& mac, IpNet const& prefix);
/// fe80::/10: what the kernel gives every link.
bool IsLinkLocal(IpAddress const& ip);
/// 2000::/3: private (fc00::/7), overlay (200::/7) and link-local addresses lie outside.
bool IsGlobalV6(IpAddress const& ip);

inline std::string NamespaceName(std::string_view net_id) {
  return "n-" + std::string(net_id);
}
inline std::string BridgeName(std::string_view net_id) {
  return "b-" + std::string(net_id);
}

inline std::string TunnelName(std::string_view net_id) {
  return "w-" + std::string(net_id);
}

}  // namespace trellis::plugins::network
