#include "plugins/network/user_network.hpp"

#include "plugins/network/link_difference.hpp"
#include "plugins/network/node_network.hpp"
#include "plugins/network/rules.hpp"

#include <algorithm>
#include <set>

namespace trellis::plugins::network {

namespace {

constexpr char const* kPublic = "public";

WantedLink InsideLink(NetworkRecord const& record) {
  auto const gateway = GatewayOf(record.data.subnet);
  return {NamespaceName(record.net_id),
          {{gateway, record.data.subnet.prefix},
           {PrivateV6(record.net_id, gateway), 64},
           {kNdmzRouter6, 64}}};
}

WantedLink OutsideLink(IpAddress const& lease) {
  return {kPublic,
          {{lease, kNdmzPrefix4}, {NdmzV6(lease), kNdmzPrefix6}},
          {kNdmzRouter4, kNdmzRouter6}};
}

Result<void> Configure(NetworkRecord const& record, IpAddress const& lease,
                       std::string const& rules) {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const loopback, links.Get("lo"));
  TRELLIS_CHECK(links.SetUp(loopback.index));
  TRELLIS_CHECK(WriteSysctl("ipv4/ip_forward", "1"));
  TRELLIS_CHECK(WriteSysctl("ipv6/conf/all/forwarding", "1"));
  TRELLIS_TRY(auto const inside, links.Get(NamespaceName(record.net_id)));
  TRELLIS_CHECK(links.ConvergeAddresses(inside.index, InsideLink(record).addresses));
  // The kernel has one table of neighbours for all namespaces: a machine that asks under addresses
  // of others would fill it.
  TRELLIS_CHECK(WriteSysctl("ipv4/conf/" + NamespaceName(record.net_id) + "/rp_filter", "1"));
  TRELLIS_CHECK(links.SetUp(inside.index));
  // The rules are in force before the way out opens.
  TRELLIS_TRY(bool const current, HasRules(rules));
  if (!current) TRELLIS_CHECK(ApplyRules(rules));
  TRELLIS_TRY(auto const outside, links.Get(kPublic));
  TRELLIS_CHECK(links.ConvergeAddresses(outside.index, OutsideLink(lease).addresses));
  TRELLIS_CHECK(links.SetUp(outside.index));
  TRELLIS_CHECK(links.SetDefaultRoute(kNdmzRouter4, outside.index));
  return links.SetDefaultRoute(kNdmzRouter6, outside.index);
}

// In the network's namespace.
Result<std::string> InsideDifference(NetworkRecord const& record, IpAddress const& lease,
                                     std::string const& rules) {
  TRELLIS_TRY(auto links, Links::Open());
  for (auto const& wanted : {InsideLink(record), OutsideLink(lease)}) {
    TRELLIS_TRY(auto difference, DifferenceOf(links, wanted));
    if (!difference.empty()) return difference;
  }
  TRELLIS_TRY(bool const current, HasRules(rules));
  return current ? std::string() : std::string("the packet filter rules differ");
}

}  // namespace

IpAddress GatewayOf(IpNet const& subnet) {
  auto const& bytes = subnet.ip.bytes();
  return IpAddress::V4({bytes[0], bytes[1], bytes[2], 1});
}

std::string UserNetworks::RulesOf(NetworkRecord const& record) const {
  return NetworkRules{record.net_id, record.data.ip_range, record.data.subnet, config_.smtp_block}
      .Text();
}

Result<void> UserNetworks::CreateLinks(Links& links, std::string const& net_id) {
  auto const name = NamespaceName(net_id);
  bool inside = false;
  bool outside = false;
  TRELLIS_CHECK(namespaces_.RunIn(name, [&]() -> Result<void> {
    TRELLIS_TRY(auto there, Links::Open());
    TRELLIS_TRY(auto const first, there.Find(name));
    TRELLIS_TRY(auto const second, there.Find(kPublic));
    inside = first.has_value();
    outside = second.has_value();
    return {};
  }));
  TRELLIS_TRY(auto const target, namespaces_.Open(name));
  if (!inside) {
    TRELLIS_TRY(auto const bridge, links.Get(BridgeName(net_id)));
    TRELLIS_CHECK(links.CreateMacvlan({name, target.get(), HardwareAddress(net_id)}, bridge.index));
  }
  if (outside) return {};
  TRELLIS_TRY(auto const bridge, links.Get(kNdmzBridge));
  return links.CreateMacvlan({kPublic, target.get(), HardwareAddress(net_id + "-public")},
                             bridge.index);
}

Result<void> UserNetworks::Converge(NetworkRecord const& record, IpAddress const& lease) {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_CHECK(links.EnsureBridge(BridgeName(record.net_id)));
  auto const name = NamespaceName(record.net_id);
  TRELLIS_CHECK(namespaces_.Ensure(name));
  TRELLIS_CHECK(CreateLinks(links, record.net_id));
  auto const rules = RulesOf(record);
  return namespaces_.RunIn(name, [&] { return Configure(record, lease, rules); });
}

Result<std::optional<std::string>> UserNetworks::Difference(NetworkRecord const& record,
                                                            IpAddress const& lease) {
  using Answer = std::optional<std::string>;
  auto const name = NamespaceName(record.net_id);
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const bridge, links.Find(BridgeName(record.net_id)));
  bool const has_namespace = namespaces_.Exists(name);
  if (!bridge && !has_namespace) return Fail(Code::kNotFound, "the network is not there");
  if (!bridge) return Answer("the bridge is missing");
  if (!bridge->up) return Answer("the bridge is down");
  if (!has_namespace) return Answer("the namespace is missing");
  std::string difference;
  TRELLIS_CHECK(namespaces_.RunIn(name, [&]() -> Result<void> {
    TRELLIS_TRY(difference, InsideDifference(record, lease, RulesOf(record)));
    return {};
  }));
  return difference.empty() ? Answer() : Answer(difference);
}

Result<void> UserNetworks::Remove(std::string const& net_id) {
  TRELLIS_CHECK(namespaces_.Remove(NamespaceName(net_id)));
  TRELLIS_TRY(auto links, Links::Open());
  return links.Delete(BridgeName(net_id));
}

Result<std::vector<std::string>> UserNetworks::Present() {
  static constexpr std::size_t kNameLength = 15;
  std::set<std::string> found;
  TRELLIS_TRY(auto const names, namespaces_.List());
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const all, links.Names());
  for (auto const& name : names) {
    if (name.starts_with("n-") && name.size() == kNameLength) found.insert(name.substr(2));
  }
  for (auto const& name : all) {
    if (name.starts_with("b-") && name.size() == kNameLength) found.insert(name.substr(2));
  }
  return std::vector<std::string>(found.begin(), found.end());
}

}  // namespace trellis::plugins::network
