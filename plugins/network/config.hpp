// The `[plugin.network.config]` table.
#pragma once

#include <trellis/json.hpp>
#include <trellis/net.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace trellis::plugins::network {

struct UplinkConfig {
  std::string mode =
      "auto";          ///< auto|macvlan|veth|none; auto: macvlan if there is a parent, else veth
  std::string parent;  ///< of a macvlan
  IpNet ipv4;          ///< of a macvlan
  IpAddress gw4;
  [[nodiscard]] bool on_parent() const {
    return mode == "macvlan" || (mode == "auto" && !parent.empty());
  }
};
BOOST_DESCRIBE_STRUCT(UplinkConfig, (), (mode, parent, ipv4, gw4))

struct WireGuardConfig {
  std::string backend = "auto";  ///< auto|kernel|userspace
  std::string underlay;  ///< namespace of the sockets; "" = `public` if there is one, else here
};
BOOST_DESCRIBE_STRUCT(WireGuardConfig, (), (backend, underlay))

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
  bool own_namespace = false;  ///< the node's own public addresses are on it, in namespace `public`
};
BOOST_DESCRIBE_STRUCT(PublicSegment, (), (parent, prefix6, router6, own_namespace))

struct NetworkConfig {
  std::string netns_dir = "/run/netns";
  UplinkConfig uplink;
  WireGuardConfig wireguard;
  std::vector<std::string> nameservers{"8.8.8.8", "1.1.1.1", "2001:4860:4860::8888"};
  std::vector<std::uint16_t> smtp_block{25, 465, 587};
  std::vector<IpNet> allow_ranges;  ///< ranges of user networks beside the private ones
  std::vector<IpNet> lan_block;     ///< what machines do not reach outside
  std::string bridge_nf = "off";    ///< off|keep: do bridged frames run through the node's rules?
  std::string management;           ///< interface; "": `zos`, else the one of the default route
  PublicSettings public_config;     ///< of the node
  PublicSegment public_;
};
BOOST_DESCRIBE_STRUCT(NetworkConfig, (),
                      (netns_dir, uplink, wireguard, nameservers, smtp_block, allow_ranges,
                       lan_block, bridge_nf, management, public_config, public_))

}  // namespace trellis::plugins::network
