// The data of a network workload: this node's part of a user network.
#pragma once

#include <trellis/sdk.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace trellis::plugins::network {

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

  Result<void> Valid(WorkloadGetter const&) const;
  void Challenge(ChallengeWriter& out) const;
  [[nodiscard]] static trellis::Capacity Capacity() { return {}; }
};
BOOST_DESCRIBE_STRUCT(Network, (),
                      (ip_range, subnet, wireguard_private_key, wireguard_listen_port, peers,
                       mycelium))

}  // namespace trellis::plugins::network
