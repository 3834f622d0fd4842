// trellis.net.attach/1 and trellis.net.namespace/1: machines and other plugins on user networks.
// trellis.net.public/1: what the node shows to the internet. trellis.net.ports/1: who listens
// where.
#pragma once

#include <trellis/host.hpp>

namespace trellis::services {

inline constexpr char const* kNetAttach = "trellis.net.attach/1";
inline constexpr char const* kNetNamespace = "trellis.net.namespace/1";
inline constexpr char const* kNetPublic = "trellis.net.public/1";
inline constexpr char const* kNetPorts = "trellis.net.ports/1";
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
/// public{owner,ip_workload}: the tap with the addresses of an ip workload. Idempotent. kNotFound
/// while that workload has no filter, kConflict when another machine has it.
struct AttachPublic {
  std::string owner;        ///< workload id of the machine
  std::string ip_workload;  ///< name; of the same deployment
};
BOOST_DESCRIBE_STRUCT(AttachPublic, (), (owner, ip_workload))
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

/// prepare{owner,kind} -> {netns,ips}: a namespace for one server of `owner`. Idempotent; what is
/// missing or wrong in it is put right. kConflict when the owner has one of another kind.
/// list{} -> {namespaces}. reconcile{owners}: removes those of workloads that are not listed.
struct NamespacePrepare {
  std::string owner;  ///< a workload id, or "@plugin/key"
  std::string kind;   ///< zdb|qsfs: which links and which open ports
};
BOOST_DESCRIBE_STRUCT(NamespacePrepare, (), (owner, kind))
struct PreparedNamespace {
  std::string netns;             ///< absolute path
  std::vector<std::string> ips;  ///< public IPv6, planetary, mycelium, fd00::; those there are
};
BOOST_DESCRIBE_STRUCT(PreparedNamespace, (), (netns, ips))
struct NamespaceLeases {
  std::vector<NamespacePrepare> namespaces;
};
BOOST_DESCRIBE_STRUCT(NamespaceLeases, (), (namespaces))
/// destroy{owner}: OK when unknown.
struct NamespaceDestroy {
  std::string owner;
};
BOOST_DESCRIBE_STRUCT(NamespaceDestroy, (), (owner))

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

/// support{} -> {ipv4,ipv6}: which public addresses machines can have on this node.
struct PublicSupport {
  bool ipv4 = false;
  bool ipv6 = false;
};
BOOST_DESCRIBE_STRUCT(PublicSupport, (), (ipv4, ipv6))

/// prefix6{} -> {net,gateway}: kNotFound when the public segment has no IPv6.
struct PublicPrefix {
  IpNet net;          ///< of the segment
  IpAddress gateway;  ///< empty = unknown
};
BOOST_DESCRIBE_STRUCT(PublicPrefix, (), (net, gateway))

/// The lease of an ip workload: its tap lets pass what fits these addresses and nothing else.
/// filter_set{...} -> {changed}: kUnsupported without a public segment, kConflict when the address
/// is another workload's. Idempotent.
struct PublicFilter {
  std::string owner;    ///< workload id of the ip workload
  std::string kind;     ///< its type
  IpNet ipv4;           ///< empty = no IPv4 passes
  IpAddress gateway4;   ///< what the machine is told
  IpNet ipv6;           ///< empty = no IPv6 passes
  IpAddress gateway6;   ///< also: whom the machine may not pretend to be
  std::string mac;      ///< of the machine's side, see filter_mac
  bool paused = false;  ///< nothing passes
  bool operator==(PublicFilter const&) const = default;
};
BOOST_DESCRIBE_STRUCT(PublicFilter, (), (owner, kind, ipv4, gateway4, ipv6, gateway6, mac, paused))
struct PublicFilterSet {
  bool changed = false;
};
BOOST_DESCRIBE_STRUCT(PublicFilterSet, (), (changed))

/// filter_remove{owner}: OK when unknown; takes the tap off the segment.
/// filter_mac{owner} -> {mac}: the hardware address that follows from the owner's id.
struct PublicFilterOwner {
  std::string owner;
};
BOOST_DESCRIBE_STRUCT(PublicFilterOwner, (), (owner))
struct PublicFilterMac {
  std::string mac;
};
BOOST_DESCRIBE_STRUCT(PublicFilterMac, (), (mac))

/// filter_get{owner} -> {filter,difference,dropped}; kNotFound.
struct PublicFilterInfo {
  PublicFilter filter;
  std::string difference;     ///< the first thing that is not as it should be; "" = none
  std::uint64_t dropped = 0;  ///< frames refused since it was set
};
BOOST_DESCRIBE_STRUCT(PublicFilterInfo, (), (filter, difference, dropped))

/// filter_list{kind} -> {owners}; filter_keep{kind,owners}: removes those of that kind not listed.
struct PublicFilterOwners {
  std::string kind;
  std::vector<std::string> owners;
};
BOOST_DESCRIBE_STRUCT(PublicFilterOwners, (), (kind, owners))

/// wireguard{} -> {ports}: UDP ports that no tunnel can have any more, sorted.
struct WireGuardPorts {
  std::vector<std::uint16_t> ports;
};
BOOST_DESCRIBE_STRUCT(WireGuardPorts, (), (ports))
/// reserve{owner,proto} -> {owner,proto,port}: one port for each owner and protocol, that nothing
/// on the node listens on and no tunnel gets from now on; again: the same one. kExhausted.
struct PortReserve {
  std::string owner;  ///< a workload id, or "@plugin/key"
  std::string proto;  ///< udp|tcp
};
BOOST_DESCRIBE_STRUCT(PortReserve, (), (owner, proto))
struct ReservedPort {
  std::string owner;
  std::string proto;
  std::uint16_t port = 0;
};
BOOST_DESCRIBE_STRUCT(ReservedPort, (), (owner, proto, port))
/// list{} -> {ports}. reconcile{owners}: gives those of workloads back that are not listed.
struct ReservedPorts {
  std::vector<ReservedPort> ports;
};
BOOST_DESCRIBE_STRUCT(ReservedPorts, (), (ports))
/// release{owner}: all of the owner's ports; OK when unknown.
struct PortRelease {
  std::string owner;
};
BOOST_DESCRIBE_STRUCT(PortRelease, (), (owner))

}  // namespace trellis::services
