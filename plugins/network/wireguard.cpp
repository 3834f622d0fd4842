#include "plugins/network/wireguard.hpp"

#include <algorithm>
#include <tuple>

namespace trellis::plugins::network {

namespace {

constexpr std::uint16_t kKeepalive = 20;  // seconds

auto Order(IpNet const& net) {
  return std::tuple(net.ip, net.prefix);
}

bool Has(std::vector<IpNet> const& ranges, IpNet const& range) {
  return std::find(ranges.begin(), ranges.end(), range) != ranges.end();
}

PeerChange Added(WireGuardKey const& key, WireGuardPeer const& peer) {
  PeerChange change{key, PeerChange::Kind::kAdd, std::nullopt, peer.keepalive, peer.allowed};
  if (!peer.endpoint.empty()) change.endpoint = peer.endpoint;
  return change;
}

// nullopt: nothing to do.
std::optional<PeerChange> Changed(WireGuardKey const& key, WireGuardPeer const& wanted,
                                  WireGuardPeer const& present, std::string const& asked) {
  PeerChange change;
  change.key = key;
  if (wanted.allowed != present.allowed) change.allowed = wanted.allowed;
  if (wanted.keepalive != present.keepalive) change.keepalive = wanted.keepalive;
  bool const move = wanted.endpoint != asked || present.endpoint.empty();
  if (move && !wanted.endpoint.empty() && wanted.endpoint != present.endpoint)
    change.endpoint = wanted.endpoint;
  bool const any = change.allowed || change.keepalive || change.endpoint;
  return any ? std::optional(change) : std::nullopt;
}

}  // namespace

void SortRanges(std::vector<IpNet>& ranges) {
  for (auto& range : ranges)
    range = range.Masked();
  std::ranges::sort(ranges, {}, Order);
  ranges.erase(std::unique(ranges.begin(), ranges.end()), ranges.end());
}

WireGuardDevice DeviceOf(Network const& data, std::uint16_t port) {
  WireGuardDevice device;
  device.private_key = Clamped(KeyFromBase64(data.wireguard_private_key).value_or(WireGuardKey{}));
  device.port = port;
  std::vector<IpNet> taken;
  for (auto asked = data.peers.rbegin(); asked != data.peers.rend(); ++asked) {
    WireGuardPeer peer{asked->endpoint, asked->allowed_ips, kKeepalive};
    SortRanges(peer.allowed);
    std::erase_if(peer.allowed, [&](auto const& range) { return Has(taken, range); });
    taken.insert(taken.end(), peer.allowed.begin(), peer.allowed.end());
    auto const key = KeyFromBase64(asked->wireguard_public_key).value_or(WireGuardKey{});
    device.peers.emplace(key, std::move(peer));
  }
  return device;
}

WireGuardChange ChangeTo(WireGuardDevice const& wanted, WireGuardDevice const& present,
                         WireGuardDevice const& asked) {
  WireGuardChange change;
  if (wanted.private_key != present.private_key) change.private_key = wanted.private_key;
  if (wanted.port != present.port) change.port = wanted.port;
  for (auto const& [key, peer] : present.peers) {
    if (!wanted.peers.contains(key)) {
      auto& removed = change.peers.emplace_back();
      removed.key = key;
      removed.kind = PeerChange::Kind::kRemove;
    }
  }
  for (auto const& [key, peer] : wanted.peers) {
    auto const there = present.peers.find(key);
    if (there == present.peers.end()) {
      change.peers.push_back(Added(key, peer));
      continue;
    }
    auto const before = asked.peers.find(key);
    auto const endpoint = before == asked.peers.end() ? std::string() : before->second.endpoint;
    if (auto changed = Changed(key, peer, there->second, endpoint))
      change.peers.push_back(*std::move(changed));
  }
  return change;
}

std::string DifferenceOf(WireGuardDevice const& wanted, WireGuardDevice const& present) {
  if (wanted.private_key != present.private_key) return "another wireguard key";
  if (wanted.port != present.port)
    return fmt::format("wireguard listens on port {} instead of {}", present.port, wanted.port);
  for (auto const& [key, peer] : wanted.peers) {
    auto const there = present.peers.find(key);
    if (there == present.peers.end()) return fmt::format("peer '{}' is missing", KeyToBase64(key));
    if (there->second.allowed != peer.allowed)
      return fmt::format("peer '{}' is allowed other addresses", KeyToBase64(key));
  }
  for (auto const& [key, peer] : present.peers) {
    if (!wanted.peers.contains(key)) return fmt::format("unknown peer '{}'", KeyToBase64(key));
  }
  return "";
}

}  // namespace trellis::plugins::network
