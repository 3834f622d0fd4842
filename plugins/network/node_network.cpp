#include "plugins/network/node_network.hpp"

#include "plugins/network/rules.hpp"

namespace trellis::plugins::network {

namespace {

constexpr char const* kHostEnd = "ndmz-up";
constexpr char const* kNdmzEnd = "npub4";
constexpr char const* kToNetworks = "tonrs";
IpNet const kHostAddress{IpAddress::V4({100, 126, 0, 1}), 30};
IpNet const kNdmzAddress{IpAddress::V4({100, 126, 0, 2}), 30};

// Where a macvlan or veth end is missing in the namespace, or has gone with its parent.
Result<bool> HasLink(Namespaces const& namespaces, char const* link) {
  bool found = false;
  TRELLIS_CHECK(namespaces.RunIn(kNdmz, [&]() -> Result<void> {
    TRELLIS_TRY(auto links, Links::Open());
    TRELLIS_TRY(auto const existing, links.Find(link));
    found = existing.has_value();
    return {};
  }));
  return found;
}

Result<void> ConfigureNdmz(std::vector<IpAddress> const& host_addresses, bool uplink) {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const loopback, links.Get("lo"));
  TRELLIS_CHECK(links.SetUp(loopback.index));
  TRELLIS_CHECK(WriteSysctl("ipv4/ip_forward", "1"));
  TRELLIS_CHECK(WriteSysctl("ipv6/conf/all/forwarding", "1"));
  auto const rules = NdmzRules(host_addresses);
  TRELLIS_TRY(bool const current, HasRules(rules));
  if (!current) TRELLIS_CHECK(ApplyRules(rules));
  std::vector<IpNet> addresses;
  for (auto const* text : {"100.127.0.1/16", "fd00::1/64", "fe80::1/64"}) {
    TRELLIS_TRY(auto const address, IpNet::Parse(text));
    addresses.push_back(address);
  }
  TRELLIS_TRY(auto const inside, links.Get(kToNetworks));
  TRELLIS_CHECK(links.ConvergeAddresses(inside.index, addresses));
  TRELLIS_CHECK(links.SetUp(inside.index));
  if (!uplink) return {};
  TRELLIS_TRY(auto const outside, links.Get(kNdmzEnd));
  TRELLIS_CHECK(links.ConvergeAddresses(outside.index, {kNdmzAddress}));
  TRELLIS_CHECK(links.SetUp(outside.index));
  return links.SetDefaultRoute(kHostAddress.ip, outside.index);
}

// Bridged frames must not run through the host's rules: equal addresses of two networks would
// meet in its connection table.
Result<void> DisableBridgeFilter() {
  for (auto const* name : {"iptables", "ip6tables", "arptables"})
    TRELLIS_CHECK(WriteSysctl(fmt::format("bridge/bridge-nf-call-{}", name), "0"));
  return {};
}

}  // namespace

Result<void> NodeNetwork::Converge() {
  TRELLIS_CHECK(DisableBridgeFilter());
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_CHECK(links.EnsureBridge(kNdmzBridge));
  TRELLIS_CHECK(namespaces_.Ensure(kNdmz));
  TRELLIS_TRY(bool const inside, HasLink(namespaces_, kToNetworks));
  if (!inside) {
    TRELLIS_TRY(auto const target, namespaces_.Open(kNdmz));
    TRELLIS_TRY(auto const bridge, links.Get(kNdmzBridge));
    TRELLIS_CHECK(links.CreateMacvlan({kToNetworks, target.get(), {}}, bridge.index));
  }
  if (wants_uplink()) TRELLIS_CHECK(ConvergeUplink(links));
  TRELLIS_TRY(auto const addresses, links.Addresses(0));
  std::vector<IpAddress> host;
  for (auto const& address : addresses)
    host.push_back(address.ip);
  return namespaces_.RunIn(kNdmz, [&] { return ConfigureNdmz(host, wants_uplink()); });
}

Result<void> NodeNetwork::ConvergeUplink(Links& links) {
  TRELLIS_TRY(bool const inside, HasLink(namespaces_, kNdmzEnd));
  TRELLIS_TRY(auto const existing, links.Find(kHostEnd));
  if (!inside || !existing) {
    TRELLIS_CHECK(links.Delete(kHostEnd));
    TRELLIS_TRY(auto const target, namespaces_.Open(kNdmz));
    TRELLIS_CHECK(links.CreateVeth(kHostEnd, {kNdmzEnd, target.get(), {}}));
  }
  TRELLIS_TRY(auto const host_end, links.Get(kHostEnd));
  TRELLIS_CHECK(links.ConvergeAddresses(host_end.index, {kHostAddress}));
  TRELLIS_CHECK(links.SetUp(host_end.index));
  TRELLIS_CHECK(WriteSysctl("ipv4/ip_forward", "1"));
  auto const rules = HostRules(kHostAddress);
  TRELLIS_TRY(bool const current, HasRules(rules));
  return current ? Result<void>() : ApplyRules(rules);
}

Result<void> NodeNetwork::Remove() {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_CHECK(links.Delete(kHostEnd));
  TRELLIS_CHECK(namespaces_.Remove(kNdmz));
  TRELLIS_CHECK(links.Delete(kNdmzBridge));
  return wants_uplink() ? RemoveRules() : Result<void>();
}

}  // namespace trellis::plugins::network
