// Types of the data model whose plugins are not linked into the golden tests: their wire form,
// challenge and rules as published.
#pragma once

#include <trellis/sdk.hpp>

#include <optional>
#include <string>
#include <vector>

namespace trellis::golden {

struct AnyData {
  Result<void> Valid(WorkloadGetter const&) const { return {}; }
  void Challenge(ChallengeWriter&) const {}
  [[nodiscard]] trellis::Capacity Capacity() const { return {}; }
};
BOOST_DESCRIBE_STRUCT(AnyData, (), ())

struct Ip {
  bool v4 = false;
  bool v6 = false;

  Result<void> Valid(WorkloadGetter const&) const {
    if (!v4 && !v6) return Invalid("ip_no_selection", "neither v4 nor v6 is selected");
    return {};
  }
  void Challenge(ChallengeWriter& out) const {
    out.Add(v4);
    out.Add(v6);
  }
  [[nodiscard]] trellis::Capacity Capacity() const { return {.ipv4u = v4 ? 1U : 0U}; }
};
BOOST_DESCRIBE_STRUCT(Ip, (), (v4, v6))

struct Peer {
  IpNet subnet;
  std::string wireguard_public_key;
  std::vector<IpNet> allowed_ips;
  std::string endpoint;
};
BOOST_DESCRIBE_STRUCT(Peer, (), (subnet, wireguard_public_key, allowed_ips, endpoint))

struct Mycelium {
  HexBytes hex_key;
  std::vector<std::string> peers;
};
BOOST_DESCRIBE_STRUCT(Mycelium, (), (hex_key, peers))

struct Network {
  IpNet ip_range;
  IpNet subnet;
  std::string wireguard_private_key;
  std::uint16_t wireguard_listen_port = 0;
  std::vector<Peer> peers;
  std::optional<Mycelium> mycelium;

  Result<void> Valid(WorkloadGetter const&) const {
    if (ip_range.empty()) return Invalid("net_range", "ip range is missing");
    if (subnet.empty()) return Invalid("net_subnet", "subnet is missing");
    if (wireguard_private_key.empty()) return Invalid("net_private_key", "private key is missing");
    for (auto const& peer : peers) {
      if (peer.subnet.empty()) return Invalid("peer_subnet", "subnet of a peer is missing");
      if (peer.allowed_ips.empty()) return Invalid("peer_allowed_ips", "peer allows no addresses");
      if (peer.wireguard_public_key.empty())
        return Invalid("peer_public_key", "public key of a peer is missing");
    }
    if (mycelium && mycelium->hex_key.ToString().size() != 64)
      return Invalid("mycelium_key", "mycelium key has not 32 bytes");
    if (mycelium && !mycelium->peers.empty())
      return Invalid("mycelium_peers", "mycelium peers are not allowed");
    return {};
  }
  void Challenge(ChallengeWriter& out) const {
    out.Add(ip_range);
    out.Add(subnet);
    out.Add(wireguard_private_key);
    out.Add(wireguard_listen_port);
    for (auto const& peer : peers) {
      out.Add(peer.wireguard_public_key);
      out.Add(peer.endpoint);
      out.Add(peer.subnet);
      for (auto const& net : peer.allowed_ips)
        out.Add(net);
    }
    if (!mycelium) return;
    out.Add(mycelium->hex_key);
    for (auto const& peer : mycelium->peers)
      out.Add(peer);
  }
  [[nodiscard]] trellis::Capacity Capacity() const { return {}; }
};
BOOST_DESCRIBE_STRUCT(Network, (),
                      (ip_range, subnet, wireguard_private_key, wireguard_listen_port, peers,
                       mycelium))

}  // namespace trellis::golden
