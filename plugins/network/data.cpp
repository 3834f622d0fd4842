#include "plugins/network/data.hpp"

namespace trellis::plugins::network {

namespace {
constexpr std::size_t kMyceliumKeyBytes = 32;
}

Result<void> Network::Valid(WorkloadGetter const&) const {
  if (ip_range.empty()) return Invalid("net_range", "network ip range cannot be empty");
  if (subnet.empty()) return Invalid("net_subnet", "network subnet cannot be empty");
  if (wireguard_private_key.empty())
    return Invalid("net_private_key", "wireguard private key cannot be empty");
  for (auto const& peer : peers) {
    if (peer.subnet.empty()) return Invalid("peer_subnet", "peer subnet cannot be empty");
    if (peer.allowed_ips.empty())
      return Invalid("peer_allowed_ips", "peer allowed ips cannot be empty");
    if (peer.wireguard_public_key.empty())
      return Invalid("peer_public_key", "peer wireguard public key cannot be empty");
  }
  if (!mycelium) return {};
  if (mycelium->hex_key.bytes.size() != kMyceliumKeyBytes)
    return Invalid("mycelium_key", "mycelium key must have {} bytes", kMyceliumKeyBytes);
  if (!mycelium->peers.empty())
    return Invalid("mycelium_peers", "mycelium peers are not supported");
  return {};
}

void Network::Challenge(ChallengeWriter& out) const {
  out.Add(ip_range);
  out.Add(subnet);
  out.Add(wireguard_private_key);
  out.Add(wireguard_listen_port);
  for (auto const& peer : peers) {
    out.Add(peer.wireguard_public_key);
    out.Add(peer.endpoint);
    out.Add(peer.subnet);
    for (auto const& allowed : peer.allowed_ips)
      out.Add(allowed);
  }
  if (!mycelium) return;
  out.Add(mycelium->hex_key);
  for (auto const& peer : mycelium->peers)
    out.Add(peer);
}

}  // namespace trellis::plugins::network
