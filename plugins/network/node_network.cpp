#include "plugins/network/node_network.hpp"

#include "plugins/network/links_inside.hpp"
#include "plugins/network/rules.hpp"

namespace trellis::plugins::network {

namespace {

/// `trl_open.node`.
struct NodeKey {
  std::string public_key;
};
BOOST_DESCRIBE_STRUCT(NodeKey, (), (public_key))

constexpr char const* kHostEnd = "ndmz-up";
constexpr char const* kNdmzEnd = "npub4";
constexpr char const* kToNetworks = "tonrs";
IpNet const kHostAddress{IpAddress::V4({100, 126, 0, 1}), 30};
IpNet const kNdmzAddress{IpAddress::V4({100, 126, 0, 2}), 30};

// "" when it is missing in the namespace.
Result<std::string> KindIn(Namespaces const& namespaces, char const* link) {
  std::string kind;
  TRELLIS_CHECK(namespaces.RunIn(kNdmz, [&]() -> Result<void> {
    TRELLIS_TRY(auto links, Links::Open());
    TRELLIS_TRY(auto const existing, links.Find(link));
    if (existing) kind = existing->kind;
    return {};
  }));
  return kind;
}

WantedLink InsideLink() {
  return {kToNetworks,
          {{kNdmzRouter4, kNdmzPrefix4},
           {IpAddress::V6({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}), kNdmzPrefix6},
           {kNdmzRouter6, kNdmzPrefix6}}};
}

Result<void> ConvergeLink(Links& links, WantedLink const& wanted) {
  TRELLIS_TRY(auto const link, links.Get(wanted.name));
  TRELLIS_CHECK(links.ConvergeAddresses(link.index, wanted.addresses));
  TRELLIS_CHECK(links.SetUp(link.index));
  for (auto const& via : wanted.gateways)
    TRELLIS_CHECK(links.SetDefaultRoute(via, link.index));
  return {};
}

Result<void> ConfigureNdmz(std::string const& rules, std::optional<WantedLink> const& outside) {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const loopback, links.Get("lo"));
  TRELLIS_CHECK(links.SetUp(loopback.index));
  TRELLIS_CHECK(WriteSysctl("ipv4/ip_forward", "1"));
  TRELLIS_CHECK(WriteSysctl("ipv6/conf/all/forwarding", "1"));
  TRELLIS_TRY(bool const current, HasRules(rules));
  if (!current) TRELLIS_CHECK(ApplyRules(rules));
  TRELLIS_CHECK(ConvergeLink(links, InsideLink()));
  return outside ? ConvergeLink(links, *outside) : Result<void>();
}

Result<std::string> NdmzDifference(std::string const& rules,
                                   std::optional<WantedLink> const& outside) {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto inside, DifferenceOf(links, InsideLink()));
  if (!inside.empty()) return inside;
  if (outside) {
    TRELLIS_TRY(auto difference, DifferenceOf(links, *outside));
    if (!difference.empty()) return difference;
  }
  TRELLIS_TRY(bool const current, HasRules(rules));
  return current ? std::string() : std::string("the packet filter rules differ");
}

// Of the node's end of the way through it.
Result<std::string> HostDifference(Links& links) {
  TRELLIS_TRY(auto difference, DifferenceOf(links, {kHostEnd, {kHostAddress}}));
  if (!difference.empty()) return difference;
  TRELLIS_TRY(bool const current, HasRules(HostRules(kHostEnd, kHostAddress)));
  return current ? std::string() : std::string("the node's packet filter rules differ");
}

Result<std::string> RulesHere(Links& links, std::vector<IpNet> const& lan_block) {
  TRELLIS_TRY(auto const addresses, links.Addresses(0));
  std::vector<IpAddress> host;
  host.reserve(addresses.size());
  for (auto const& address : addresses)
    host.push_back(address.ip);
  return NdmzRules(host, lan_block);
}

// Bridged frames must not run through the host's rules: equal addresses of two networks would
// meet in its connection table.
Result<void> DisableBridgeFilter() {
  for (auto const* name : {"iptables", "ip6tables", "arptables"})
    TRELLIS_CHECK(WriteSysctl(fmt::format("bridge/bridge-nf-call-{}", name), "0"));
  return {};
}

}  // namespace

std::string NodeKeyOf(std::string_view node) {
  auto known = json::Parse<NodeKey>(node.empty() ? std::string_view("{}") : node);
  return known ? std::move(known->public_key) : std::string();
}

Result<void> NodeNetwork::Check(UplinkConfig const& config) {
  if (!config.on_parent()) return {};
  if (config.parent.empty()) return Fail(Code::kInvalid, "uplink.parent is needed for a macvlan");
  if (!config.ipv4.ip.is_v4() || !config.gw4.is_v4())
    return Fail(Code::kInvalid, "uplink.ipv4 and uplink.gw4 are needed for a macvlan");
  return {};
}

Result<void> NodeNetwork::Converge() {
  if (config_.bridge_nf == "off") TRELLIS_CHECK(DisableBridgeFilter());
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_CHECK(links.EnsureBridge(kNdmzBridge));
  TRELLIS_CHECK(namespaces_.Ensure(kNdmz));
  TRELLIS_CHECK(EnsureMacvlanInside(namespaces_, kNdmz, kToNetworks, {}, kNdmzBridge));
  if (wants_uplink()) TRELLIS_CHECK(ConvergeUplink(links));
  TRELLIS_TRY(auto const rules, RulesHere(links, config_.lan_block));
  return namespaces_.RunIn(kNdmz, [&] { return ConfigureNdmz(rules, Outside()); });
}

Result<std::string> NodeNetwork::Difference() {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const bridge, links.Find(kNdmzBridge));
  if (!bridge || !bridge->up) return fmt::format("bridge '{}' is missing or down", kNdmzBridge);
  if (!namespaces_.Exists(kNdmz)) return fmt::format("namespace '{}' is missing", kNdmz);
  std::string difference;
  if (wants_uplink() && !config_.uplink.on_parent()) {
    TRELLIS_TRY(difference, HostDifference(links));
  }
  if (!difference.empty()) return difference;
  TRELLIS_TRY(auto const rules, RulesHere(links, config_.lan_block));
  TRELLIS_CHECK(namespaces_.RunIn(kNdmz, [&]() -> Result<void> {
    TRELLIS_TRY(difference, NdmzDifference(rules, Outside()));
    return {};
  }));
  return difference.empty() ? difference : fmt::format("in '{}': {}", kNdmz, difference);
}

std::optional<WantedLink> NodeNetwork::Outside() const {
  if (!wants_uplink()) return std::nullopt;
  auto const& uplink = config_.uplink;
  if (uplink.on_parent()) return WantedLink{kNdmzEnd, {uplink.ipv4}, {uplink.gw4}};
  return WantedLink{kNdmzEnd, {kNdmzAddress}, {kHostAddress.ip}};
}

Result<void> NodeNetwork::ConvergeUplink(Links& links) {
  TRELLIS_TRY(auto const kind, KindIn(namespaces_, kNdmzEnd));
  auto const* const wanted = config_.uplink.on_parent() ? "macvlan" : "veth";
  if (!kind.empty() && kind != wanted)
    TRELLIS_CHECK(namespaces_.RunIn(kNdmz, []() -> Result<void> {
      TRELLIS_TRY(auto inside, Links::Open());
      return inside.Delete(kNdmzEnd);
    }));
  bool const there = kind == wanted;
  return config_.uplink.on_parent() ? ConvergeMacvlan(links, there) : ConvergeVeth(links, there);
}

Result<void> NodeNetwork::ConvergeMacvlan(Links& links, bool there) {
  if (there) return {};
  TRELLIS_TRY(auto const parent, links.Get(config_.uplink.parent));
  TRELLIS_TRY(auto const target, namespaces_.Open(kNdmz));
  return links.CreateMacvlan({kNdmzEnd, target.get(), HardwareAddress(node_ + "-ndmz4")},
                             parent.index);
}

Result<void> NodeNetwork::ConvergeVeth(Links& links, bool there) {
  TRELLIS_TRY(auto const existing, links.Find(kHostEnd));
  if (!there || !existing) {
    TRELLIS_CHECK(links.Delete(kHostEnd));
    TRELLIS_TRY(auto const target, namespaces_.Open(kNdmz));
    TRELLIS_CHECK(links.CreateVeth(kHostEnd, {kNdmzEnd, target.get(), {}}));
  }
  TRELLIS_TRY(auto const host_end, links.Get(kHostEnd));
  TRELLIS_CHECK(links.ConvergeAddresses(host_end.index, {kHostAddress}));
  TRELLIS_CHECK(links.SetUp(host_end.index));
  TRELLIS_CHECK(WriteSysctl("ipv4/ip_forward", "1"));
  auto const rules = HostRules(kHostEnd, kHostAddress);
  TRELLIS_TRY(bool const current, HasRules(rules));
  return current ? Result<void>() : ApplyRules(rules);
}

Result<void> NodeNetwork::Remove() {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_CHECK(links.Delete(kHostEnd));
  TRELLIS_CHECK(namespaces_.Remove(kNdmz));
  TRELLIS_CHECK(links.Delete(kNdmzBridge));
  return wants_uplink() && !config_.uplink.on_parent() ? RemoveRules() : Result<void>();
}

}  // namespace trellis::plugins::network
