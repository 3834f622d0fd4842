// The `[plugin.network.config]` table.
#pragma once

#include <trellis/json.hpp>
#include <trellis/net.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace trellis::plugins::network {

struct UplinkConfig {
  std::string mode = "auto";  ///< auto|veth|none
};
BOOST_DESCRIBE_STRUCT(UplinkConfig, (), (mode))

struct WireGuardConfig {
  std::string backend = "auto";  ///< auto|kernel|userspace
};
BOOST_DESCRIBE_STRUCT(WireGuardConfig, (), (backend))

/// What is set here counts instead of what the ledger says of the node, key by key.
struct PublicSettings {
  std::string ipv4;  ///< CIDR
  std::string gw4;
  std::string ipv6;  ///< CIDR
  std::string gw6;
  std::string domain;
};
BOOST_DESCRIBE_STRUCT(PublicSettings, (), (ipv4, gw4, ipv6, gw6, domain))

/// The segment that public addresses are on.
struct PublicSegment {
  std::string parent;  ///< interface of the bridge; "none": none, "": the node has no such segment
  IpNet prefix6;       ///< instead of what its router tells
  IpAddress router6;
};
BOOST_DESCRIBE_STRUCT(PublicSegment, (), (parent, prefix6, router6))

struct NetworkConfig {
  std::string netns_dir = "/run/netns";
  UplinkConfig uplink;
  WireGuardConfig wireguard;
  std::vector<std::string> nameservers{"8.8.8.8", "1.1.1.1", "2001:4860:4860::8888"};
  std::vector<std::uint16_t> smtp_block{25, 465, 587};
  std::vector<IpNet> allow_ranges;  ///< ranges of user networks beside the private ones
  PublicSettings public_config;     ///< of the node
  PublicSegment public_;
};
BOOST_DESCRIBE_STRUCT(NetworkConfig, (),
                      (netns_dir, uplink, wireguard, nameservers, smtp_block, allow_ranges,
                       public_config, public_))

}  // namespace trellis::plugins::network
