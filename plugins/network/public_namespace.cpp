#include "plugins/network/public_namespace.hpp"

#include "plugins/network/links_inside.hpp"
#include "plugins/network/public_bridge.hpp"

namespace trellis::plugins::network {

namespace {

constexpr char const* kLink = "public";

Result<WantedLink> LinkOf(services::NodePublicConfig const& config) {
  WantedLink wanted{kLink, {}};
  for (auto const* text : {&config.ipv4, &config.ipv6}) {
    TRELLIS_TRY(auto const address, IpNet::Parse(*text));
    if (!address.empty()) wanted.addresses.push_back(address);
  }
  for (auto const* text : {&config.gw4, &config.gw6}) {
    TRELLIS_TRY(auto const gateway, IpAddress::Parse(*text));
    if (!gateway.empty()) wanted.gateways.push_back(gateway);
  }
  return wanted;
}

// In the namespace. What its router says counts beside what is configured, but no address that the
// ledger does not know.
Result<void> Configure(WantedLink const& wanted) {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const loopback, links.Get("lo"));
  if (!loopback.up) TRELLIS_CHECK(links.SetUp(loopback.index));
  TRELLIS_CHECK(WriteSysctl(fmt::format("ipv6/conf/{}/accept_ra", kLink), "2"));
  TRELLIS_CHECK(WriteSysctl(fmt::format("ipv6/conf/{}/autoconf", kLink), "0"));
  TRELLIS_TRY(auto const link, links.Get(kLink));
  TRELLIS_CHECK(links.ConvergeAddresses(link.index, wanted.addresses));
  if (!link.up) TRELLIS_CHECK(links.SetUp(link.index));
  for (auto const& via : wanted.gateways)
    TRELLIS_CHECK(links.SetDefaultRoute(via, link.index));
  return {};
}

}  // namespace

Result<void> PublicNamespace::Converge(services::NodePublicConfig const& config) {
  TRELLIS_TRY(auto const wanted, LinkOf(config));
  TRELLIS_CHECK(namespaces_.Ensure(kPublicNamespace));
  TRELLIS_CHECK(EnsureMacvlanInside(namespaces_, kPublicNamespace, kLink,
                                    HardwareAddress(node_ + "-public"), kPublicBridge));
  return namespaces_.RunIn(kPublicNamespace, [&] { return Configure(wanted); });
}

Result<std::string> PublicNamespace::Difference(services::NodePublicConfig const& config) {
  TRELLIS_TRY(auto const wanted, LinkOf(config));
  if (!namespaces_.Exists(kPublicNamespace)) return std::string("namespace 'public' is missing");
  std::string difference;
  TRELLIS_CHECK(namespaces_.RunIn(kPublicNamespace, [&]() -> Result<void> {
    TRELLIS_TRY(auto links, Links::Open());
    TRELLIS_TRY(difference, DifferenceOf(links, wanted));
    return {};
  }));
  return difference;
}

Result<void> PublicNamespace::Remove() {
  return namespaces_.Remove(kPublicNamespace);
}

}  // namespace trellis::plugins::network
