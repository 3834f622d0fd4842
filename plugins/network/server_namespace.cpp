#include "plugins/network/server_namespace.hpp"

#include "plugins/network/links_inside.hpp"
#include "plugins/network/node_network.hpp"
#include "plugins/network/public_bridge.hpp"
#include "plugins/network/rules.hpp"

#include <algorithm>

namespace trellis::plugins::network {

namespace {

constexpr char const* kOuter = "eth0";
constexpr std::string_view kZdbPrefix = "zdb-ns-";
constexpr std::string_view kQsfsPrefix = "qfs-ns-";
constexpr std::size_t kTail = 4;  // of the namespace's name, in the name of the host's end
constexpr std::size_t kNameLength = 19;

std::string HexOf(MacAddress const& mac) {
  return fmt::format("{:02x}", fmt::join(mac, ""));
}

WantedLink InnerOf(ServerNames const& server, IpAddress const& lease) {
  WantedLink wanted{server.inner, {{lease, kNdmzPrefix4}, {NdmzV6(lease), kNdmzPrefix6}}};
  // A zdb server answers on this link, and speaks first only on the public one.
  if (!server.zdb) wanted.gateways = {kNdmzRouter4, kNdmzRouter6};
  return wanted;
}

std::string RulesOf(ServerNames const& server) {
  return server.zdb ? ZdbRules() : QsfsRules();
}

// In the server's namespace.
Result<void> ConfigureInner(ServerNames const& server, IpAddress const& lease) {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const loopback, links.Get("lo"));
  if (!loopback.up) TRELLIS_CHECK(links.SetUp(loopback.index));
  // The rules are in force before anybody can come in.
  auto const rules = RulesOf(server);
  TRELLIS_TRY(bool const current, HasRules(rules));
  if (!current) TRELLIS_CHECK(ApplyRules(rules));
  auto const wanted = InnerOf(server, lease);
  TRELLIS_TRY(auto const inner, links.Get(wanted.name));
  TRELLIS_CHECK(links.ConvergeAddresses(inner.index, wanted.addresses));
  if (!inner.up) TRELLIS_CHECK(links.SetUp(inner.index));
  for (auto const& via : wanted.gateways)
    TRELLIS_CHECK(links.SetDefaultRoute(via, inner.index));
  return {};
}

// In the server's namespace. What is known of the segment need not be waited for.
Result<void> ConfigureOuter(MacAddress const& mac, services::PublicPrefix const& segment) {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const outer, links.Get(kOuter));
  TRELLIS_CHECK(WriteSysctl(fmt::format("ipv6/conf/{}/accept_ra", kOuter), "2"));
  if (!outer.up) TRELLIS_CHECK(links.SetUp(outer.index));
  if (segment.net.empty()) return {};
  TRELLIS_CHECK(links.EnsureAddress(outer.index, SlaacAddress(mac, segment.net)));
  return segment.gateway.empty() ? Result<void>()
                                 : links.SetDefaultRoute(segment.gateway, outer.index);
}

// The first global IPv6 address of the link towards the segment; empty when there is none.
Result<IpAddress> PublicAddress() {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const outer, links.Find(kOuter));
  if (!outer) return IpAddress();
  TRELLIS_TRY(auto const addresses, links.Addresses(outer->index));
  auto const found = std::ranges::find_if(addresses, &IsGlobalV6, &IpNet::ip);
  return found == addresses.end() ? IpAddress() : found->ip;
}

}  // namespace

Result<ServerNames> ServerNames::Of(services::NamespacePrepare const& wanted) {
  if (wanted.kind != "zdb" && wanted.kind != "qsfs")
    return Fail(Code::kInvalid, "'{}' is no kind of namespace: zdb or qsfs", wanted.kind);
  auto const slash = wanted.owner.starts_with('@') ? wanted.owner.find('/') : std::string::npos;
  auto const id = slash == std::string::npos ? wanted.owner : wanted.owner.substr(slash + 1);
  if (id.empty() || id.starts_with('@'))
    return Fail(Code::kInvalid, "'{}' cannot own a namespace", wanted.owner);
  ServerNames out;
  out.zdb = wanted.kind == "zdb";
  out.outer_mac = HardwareAddress((out.zdb ? "pub:" : "qsfs:") + id);
  out.netns = std::string(out.zdb ? kZdbPrefix : kQsfsPrefix) + HexOf(out.outer_mac);
  out.lease = wanted.kind + ":" + id;
  out.inner = out.zdb ? kNdmz : "public";
  out.inner_mac = HardwareAddress(out.netns + "-ndmz");
  out.host_end = out.netns.substr(out.netns.size() - kTail) + "-eth0";
  return out;
}

bool IsServerNamespace(std::string_view file) {
  return file.size() == kNameLength &&
         (file.starts_with(kZdbPrefix) || file.starts_with(kQsfsPrefix));
}

Result<void> ServerNamespaces::ConvergeOuter(ServerNames const& server,
                                             services::PublicPrefix const& segment) {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(bool const has, HasLinkInside(namespaces_, server.netns, kOuter));
  if (!has) {
    // The caller knows that the name is nobody else's: what has it is left over.
    TRELLIS_CHECK(links.Delete(server.host_end));
    TRELLIS_TRY(auto const target, namespaces_.Open(server.netns));
    TRELLIS_CHECK(links.CreateVeth(server.host_end, {kOuter, target.get(), server.outer_mac}));
  }
  TRELLIS_CHECK(WriteSysctl("ipv6/conf/" + server.host_end + "/disable_ipv6", "1"));
  TRELLIS_TRY(auto const bridge, links.Get(kPublicBridge));
  TRELLIS_TRY(auto const end, links.Get(server.host_end));
  if (end.master != bridge.index) TRELLIS_CHECK(links.SetMaster(end.index, bridge.index));
  if (!end.up) TRELLIS_CHECK(links.SetUp(end.index));
  return namespaces_.RunIn(server.netns, [&] { return ConfigureOuter(server.outer_mac, segment); });
}

Result<void> ServerNamespaces::Converge(ServerNames const& server, IpAddress const& lease,
                                        std::optional<services::PublicPrefix> const& segment) {
  TRELLIS_CHECK(namespaces_.Ensure(server.netns));
  TRELLIS_CHECK(
      EnsureMacvlanInside(namespaces_, server.netns, server.inner, server.inner_mac, kNdmzBridge));
  TRELLIS_CHECK(namespaces_.RunIn(server.netns, [&] { return ConfigureInner(server, lease); }));
  return server.zdb && segment ? ConvergeOuter(server, *segment) : Result<void>();
}

Result<std::string> ServerNamespaces::Difference(ServerNames const& server, IpAddress const& lease,
                                                 bool segment) {
  if (!namespaces_.Exists(server.netns)) return std::string("the namespace is missing");
  std::string difference;
  bool const outside = server.zdb && segment;
  TRELLIS_CHECK(namespaces_.RunIn(server.netns, [&]() -> Result<void> {
    TRELLIS_TRY(auto links, Links::Open());
    TRELLIS_TRY(difference, DifferenceOf(links, InnerOf(server, lease)));
    if (!difference.empty()) return {};
    TRELLIS_TRY(auto const outer, links.Find(kOuter));
    if (outside && (!outer || !outer->up)) difference = "link 'eth0' is missing or down";
    TRELLIS_TRY(bool const current, HasRules(RulesOf(server)));
    if (!current) difference = "the packet filter rules differ";
    return {};
  }));
  if (!difference.empty() || !outside) return difference;
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const bridge, links.Find(kPublicBridge));
  TRELLIS_TRY(auto const end, links.Find(server.host_end));
  bool const right = bridge && end && end->up && end->master == bridge->index;
  return right ? std::string() : fmt::format("link '{}' is not on the segment", server.host_end);
}

Result<std::vector<std::string>> ServerNamespaces::Addresses(ServerNames const& server,
                                                             IpAddress const& lease) {
  IpAddress outside;
  TRELLIS_CHECK(namespaces_.RunIn(server.netns, [&]() -> Result<void> {
    TRELLIS_TRY(outside, PublicAddress());
    return {};
  }));
  std::vector<std::string> out;
  if (!outside.empty()) out.push_back(outside.ToString());
  out.push_back(NdmzV6(lease).ToString());
  return out;
}

Result<void> ServerNamespaces::Remove(ServerNames const& server) {
  if (server.zdb) {
    TRELLIS_TRY(auto links, Links::Open());
    TRELLIS_CHECK(links.Delete(server.host_end));
  }
  return namespaces_.Remove(server.netns);
}

Result<void> ServerNamespaces::RemoveOthers(std::vector<std::string> const& known) {
  TRELLIS_TRY(auto const names, namespaces_.List());
  for (auto const& name : names) {
    bool const ours = std::ranges::find(known, name) != known.end();
    if (IsServerNamespace(name) && !ours) TRELLIS_CHECK(namespaces_.Remove(name));
  }
  return {};
}

}  // namespace trellis::plugins::network
