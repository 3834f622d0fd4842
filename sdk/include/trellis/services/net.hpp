// trellis.net.attach/1 and trellis.net.namespace/1: machines and other plugins on user networks.
// trellis.net.public/1: what the node shows to the internet.
#pragma once

#include <trellis/host.hpp>

namespace trellis::services {

inline constexpr char const* kNetAttach = "trellis.net.attach/1";
inline constexpr char const* kNetNamespace = "trellis.net.namespace/1";
inline constexpr char const* kNetPublic = "trellis.net.public/1";
/// Published when the answer of `config` is no longer what it was.
inline constexpr char const* kNetPublicChanged = "net.public.changed";

/// private{owner,twin,network,ip}: a tap of machine `owner` on the twin's network. Idempotent.
struct AttachPrivate {
  std::string owner;  ///< workload id of the machine
  std::uint32_t twin = 0;
  std::string network;
  std::string ip;
};
BOOST_DESCRIBE_STRUCT(AttachPrivate, (), (owner, twin, network, ip))
struct AttachRoute {
  std::string to;   ///< CIDR
  std::string via;  ///< IP
};
BOOST_DESCRIBE_STRUCT(AttachRoute, (), (to, via))
struct Attachment {
  std::string tap;
  std::string mac;
  std::vector<std::string> ips;  ///< CIDR
  std::vector<AttachRoute> routes;
  std::string gateway4;
  std::string gateway6;
  std::vector<std::string> nameservers;
  std::uint32_t mtu = 1500;
  std::string netns;  ///< absolute path of the network's namespace
};
BOOST_DESCRIBE_STRUCT(Attachment, (),
                      (tap, mac, ips, routes, gateway4, gateway6, nameservers, mtu, netns))
/// detach{owner,slot}: slot private|public|planetary|mycelium. OK when unknown.
struct Detach {
  std::string owner;
  std::string slot;
};
BOOST_DESCRIBE_STRUCT(Detach, (), (owner, slot))

/// lookup{twin,network} -> {netns,ip_range,subnet,nameservers}; kNotFound.
struct NamespaceLookup {
  std::uint32_t twin = 0;
  std::string network;
};
BOOST_DESCRIBE_STRUCT(NamespaceLookup, (), (twin, network))
struct NamespaceInfo {
  std::string netns;
  std::string ip_range;
  std::string subnet;
  std::vector<std::string> nameservers;  ///< that machines of the network are given
  std::uint16_t wireguard_port = 0;      ///< where its tunnel listens
};
BOOST_DESCRIBE_STRUCT(NamespaceInfo, (), (netns, ip_range, subnet, nameservers, wireguard_port))

/// config{} -> {public_config,netns}: no public_config when the node has none.
struct NodePublicConfig {
  std::string type = "macvlan";
  std::string ipv4;  ///< CIDR
  std::string ipv6;  ///< CIDR, "" = none
  std::string gw4;
  std::string gw6;
  std::string domain;  ///< "" = none
  bool operator==(NodePublicConfig const&) const = default;
};
BOOST_DESCRIBE_STRUCT(NodePublicConfig, (), (type, ipv4, ipv6, gw4, gw6, domain))
struct PublicConfigInfo {
  std::optional<NodePublicConfig> public_config;
  std::string netns;  ///< absolute path of the namespace that holds the addresses; "" = the host's
};
BOOST_DESCRIBE_STRUCT(PublicConfigInfo, (), (public_config, netns))

}  // namespace trellis::services
