#include "plugins/network/user_network.hpp"

#include "plugins/network/node_network.hpp"
#include "plugins/network/rules.hpp"

#include <algorithm>
#include <set>

namespace trellis::plugins::network {

namespace {

constexpr char const* kPublic = "public";
IpAddress const kRouter4 = IpAddress::V4({100, 127, 0, 1});
IpAddress const kRouter6 = IpAddress::V6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});

std::vector<IpNet> InsideAddresses(NetworkRecord const& record) {
  auto const gateway = GatewayOf(record.data.subnet);
  return {{gateway, record.data.subnet.prefix},
          {PrivateV6(record.net_id, gateway), 64},
          {kRouter6, 64}};
}

std::vector<IpNet> OutsideAddresses(IpAddress const& lease) {
  return {{lease, 16}, {NdmzV6(lease), 64}};
}

Result<void> Configure(NetworkRecord const& record, IpAddress const& lease,
                       std::string const& rules) {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const loopback, links.Get("lo"));
  TRELLIS_CHECK(links.SetUp(loopback.index));
  TRELLIS_CHECK(WriteSysctl("ipv4/ip_forward", "1"));
  TRELLIS_CHECK(WriteSysctl("ipv6/conf/all/forwarding", "1"));
  TRELLIS_TRY(auto const inside, links.Get(NamespaceName(record.net_id)));
  TRELLIS_CHECK(links.ConvergeAddresses(inside.index, InsideAddresses(record)));
  TRELLIS_CHECK(links.SetUp(inside.index));
  // The rules are in force before the way out opens.
  TRELLIS_TRY(bool const current, HasRules(rules));
  if (!current) TRELLIS_CHECK(ApplyRules(rules));
  TRELLIS_TRY(auto const outside, links.Get(kPublic));
  TRELLIS_CHECK(links.ConvergeAddresses(outside.index, OutsideAddresses(lease)));
  TRELLIS_CHECK(links.SetUp(outside.index));
  TRELLIS_CHECK(links.SetDefaultRoute(kRouter4, outside.index));
  return links.SetDefaultRoute(kRouter6, outside.index);
}

// The first thing about the link that is not as wanted; "" when nothing.
Result<std::string> LinkDifference(Links& links, std::string const& name,
                                   std::vector<IpNet> const& wanted) {
  TRELLIS_TRY(auto const link, links.Find(name));
  if (!link) return fmt::format("link '{}' is missing", name);
  if (!link->up) return fmt::format("link '{}' is down", name);
  TRELLIS_TRY(auto const present, links.Addresses(link->index));
  for (auto const& address : wanted) {
    if (std::find(present.begin(), present.end(), address) == present.end())
      return fmt::format("link '{}' has no address '{}'", name, address.ToString());
  }
  return std::string();
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
  if (!has_namespace) return Answer("the namespace is missing");
  std::string difference;
  TRELLIS_CHECK(namespaces_.RunIn(name, [&]() -> Result<void> {
    TRELLIS_TRY(auto there, Links::Open());
    TRELLIS_TRY(difference, LinkDifference(there, name, InsideAddresses(record)));
    if (!difference.empty()) return {};
    TRELLIS_TRY(difference, LinkDifference(there, kPublic, OutsideAddresses(lease)));
    if (!difference.empty()) return {};
    TRELLIS_TRY(bool const current, HasRules(RulesOf(record)));
    if (!current) difference = "the packet filter rules differ";
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
