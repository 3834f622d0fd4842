// A WireGuard device: how it is configured and what has to change to make it as wanted. Pure.
#pragma once

#include "plugins/network/data.hpp"
#include "plugins/network/keys.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace trellis::plugins::network {

struct WireGuardPeer {
  std::string endpoint;         ///< "ip:port", "[ip6]:port"; "" = wherever it calls from
  std::vector<IpNet> allowed;   ///< masked, sorted, no doubles
  std::uint16_t keepalive = 0;  ///< seconds
  bool operator==(WireGuardPeer const&) const = default;
};

struct WireGuardDevice {
  WireGuardKey private_key{};
  std::uint16_t port = 0;
  std::map<WireGuardKey, WireGuardPeer> peers;  ///< by public key
  bool operator==(WireGuardDevice const&) const = default;
};

struct PeerChange {
  enum class Kind : std::uint8_t { kRemove, kAdd, kChange };
  WireGuardKey key{};
  Kind kind = Kind::kChange;
  std::optional<std::string> endpoint;
  std::optional<std::uint16_t> keepalive;
  std::optional<std::vector<IpNet>> allowed;  ///< the whole list
};

/// Only what differs: what is not in it goes on undisturbed.
struct WireGuardChange {
  std::optional<WireGuardKey> private_key;
  std::optional<std::uint16_t> port;
  std::vector<PeerChange> peers;  ///< removals first: an allowed range may move to another peer
  [[nodiscard]] bool empty() const { return !private_key && !port && peers.empty(); }
};

/// What a network asks for, with `port` to listen on. Its keys have passed the checks. A range that
/// several peers have goes to the last of them.
WireGuardDevice DeviceOf(Network const& data, std::uint16_t port);

/// From `present` to `wanted`. `asked` is what was wanted the last time: the endpoint of a peer is
/// set when another one is asked for, and not when the peer has moved by itself.
WireGuardChange ChangeTo(WireGuardDevice const& wanted, WireGuardDevice const& present,
                         WireGuardDevice const& asked);

/// The first difference of a running device as text, "" = none. Endpoints may differ.
std::string DifferenceOf(WireGuardDevice const& wanted, WireGuardDevice const& present);

/// Masked and in the order of WireGuardPeer::allowed.
void SortRanges(std::vector<IpNet>& ranges);

}  // namespace trellis::plugins::network
