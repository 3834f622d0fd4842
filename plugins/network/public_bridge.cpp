#include "plugins/network/public_bridge.hpp"

#include "plugins/network/links_inside.hpp"
#include "plugins/network/node_network.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

namespace trellis::plugins::network {

namespace {

constexpr char const* kEar = "npub6";
constexpr char const* kNoParent = "none";
constexpr unsigned kPrefix = 64;  // what machines make their addresses from
constexpr std::size_t kMaxRoutes = std::size_t{1} << 20;

Result<void> WriteForEar(char const* setting, std::string_view value) {
  return WriteSysctl(fmt::format("ipv6/conf/{}/{}", kEar, setting), value);
}

// The router's word counts here although this namespace forwards.
Result<void> ListenForRouters() {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const ear, links.Get(kEar));
  TRELLIS_CHECK(WriteForEar("accept_ra", "2"));
  TRELLIS_CHECK(WriteForEar("accept_ra_defrtr", "1"));
  return ear.up ? Result<void>() : links.SetUp(ear.index);
}

Result<IpNet> LearnedPrefix() {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const ear, links.Find(kEar));
  if (!ear) return IpNet{};
  TRELLIS_TRY(auto const addresses, links.Addresses(ear->index));
  auto const found = std::ranges::find_if(
      addresses, [](auto const& net) { return IsGlobalV6(net.ip) && net.prefix == kPrefix; });
  return found == addresses.end() ? IpNet{} : found->Masked();
}

IpAddress FromHex(std::string_view digits) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < bytes.size() && 2 * i + 2 <= digits.size(); ++i)
    std::from_chars(digits.data() + 2 * i, digits.data() + 2 * i + 2, bytes.at(i), 16);
  return IpAddress::V6(bytes);
}

// Lines of /proc/net/ipv6_route: destination, its length, source, its length, next hop, metric,
// two counters, flags, link.
Result<IpAddress> LearnedRouter() {
  TRELLIS_TRY(auto const text, ReadFile("/proc/thread-self/net/ipv6_route", kMaxRoutes));
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string length;
    std::string hop;
    std::string skipped;
    std::string link;
    fields >> skipped >> length >> skipped >> skipped >> hop;
    for (int i = 0; i < 5; ++i)
      fields >> link;
    auto const router = FromHex(hop);
    if (length == "00" && link == kEar && router != IpAddress::V6({})) return router;
  }
  return IpAddress();
}

}  // namespace

PublicBridge::PublicBridge(PublicSegment const& config, Namespaces const& namespaces,
                           std::string_view node)
    : config_(config), namespaces_(namespaces) {
  ear_mac_ = HardwareAddress(NodeKeyOf(node) + "-ndmz6");
}

Result<void> PublicBridge::Check(PublicSegment const& config) {
  auto const& prefix = config.prefix6;
  if (!prefix.empty() && (!prefix.ip.is_v6() || prefix.prefix != kPrefix))
    return Fail(Code::kInvalid, "public.prefix6 '{}' is not an ipv6 /64", prefix.ToString());
  if (!config.router6.empty() && !config.router6.is_v6())
    return Fail(Code::kInvalid, "public.router6 '{}' is no ipv6 address",
                config.router6.ToString());
  if (config.own_namespace && config.parent.empty())
    return Fail(Code::kInvalid, "public.own_namespace needs public.parent");
  return {};
}

std::string PublicBridge::interface() const {
  return config_.parent == kNoParent ? std::string() : config_.parent;
}

Result<void> PublicBridge::TakeParent() {
  if (interface().empty()) return {};
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const parent, links.Get(config_.parent));
  TRELLIS_TRY(auto const bridge, links.Get(kPublicBridge));
  if (parent.master == bridge.index) return parent.up ? Result<void>() : links.SetUp(parent.index);
  TRELLIS_TRY(auto const addresses, links.Addresses(parent.index));
  // An interface inside a bridge receives nothing any more: the node would cut itself off.
  auto const own =
      std::ranges::find_if_not(addresses, [](auto const& net) { return IsLinkLocal(net.ip); });
  if (own != addresses.end())
    return Fail(Code::kConflict, "interface '{}' carries the node's address '{}'", config_.parent,
                own->ToString());
  TRELLIS_CHECK(WriteSysctl("ipv6/conf/" + config_.parent + "/disable_ipv6", "1"));
  TRELLIS_CHECK(links.SetMaster(parent.index, bridge.index));
  return links.SetUp(parent.index);
}

Result<void> PublicBridge::ConvergeEar() {
  TRELLIS_CHECK(EnsureMacvlanInside(namespaces_, kNdmz, kEar, ear_mac_, kPublicBridge));
  return namespaces_.RunIn(kNdmz, &ListenForRouters);
}

Result<void> PublicBridge::Converge() {
  if (!configured()) return {};
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_CHECK(links.EnsureBridge(kPublicBridge));
  TRELLIS_CHECK(TakeParent());
  return ConvergeEar();
}

Result<void> PublicBridge::Remove() {
  TRELLIS_TRY(auto links, Links::Open());
  return links.Delete(kPublicBridge);
}

Result<services::PublicPrefix> PublicBridge::Prefix6() {
  services::PublicPrefix found{config_.prefix6.empty() ? IpNet{} : config_.prefix6.Masked(),
                               config_.router6};
  if (found.net.empty() || found.gateway.empty()) {
    TRELLIS_CHECK(namespaces_.RunIn(kNdmz, [&]() -> Result<void> {
      if (found.net.empty()) {
        TRELLIS_TRY(found.net, LearnedPrefix());
      }
      if (found.gateway.empty()) {
        TRELLIS_TRY(found.gateway, LearnedRouter());
      }
      return {};
    }));
  }
  if (found.net.empty()) return Fail(Code::kNotFound, "no public ipv6 found");
  return found;
}

}  // namespace trellis::plugins::network
