#include "plugins/network/link_difference.hpp"

#include <algorithm>

namespace trellis::plugins::network {

namespace {

Result<std::string> AddressDifference(Links& links, Link const& link, WantedLink const& wanted) {
  TRELLIS_TRY(auto const present, links.Addresses(link.index));
  for (auto const& address : wanted.addresses) {
    if (std::ranges::find(present, address) == present.end())
      return fmt::format("link '{}' has no address '{}'", wanted.name, address.ToString());
  }
  for (auto const& address : present) {
    bool const ours = std::ranges::find(wanted.addresses, address) != wanted.addresses.end();
    if (!ours && !IsLinkLocal(address.ip))
      return fmt::format("link '{}' has the foreign address '{}'", wanted.name, address.ToString());
  }
  return std::string();
}

Result<std::string> RouteDifference(Links& links, Link const& link, WantedLink const& wanted) {
  for (auto const& via : wanted.gateways) {
    TRELLIS_TRY(bool const has, links.HasDefaultRoute(via, link.index));
    if (!has) return fmt::format("there is no default route via '{}'", via.ToString());
  }
  for (auto const& range : wanted.ranges) {
    TRELLIS_TRY(bool const has, links.HasRoute(range, link.index));
    if (!has) return fmt::format("there is no route to '{}'", range.ToString());
  }
  return std::string();
}

}  // namespace

Result<std::string> DifferenceOf(Links& links, WantedLink const& wanted) {
  TRELLIS_TRY(auto const link, links.Find(wanted.name));
  if (!link) return fmt::format("link '{}' is missing", wanted.name);
  if (!link->up) return fmt::format("link '{}' is down", wanted.name);
  TRELLIS_TRY(auto difference, AddressDifference(links, *link, wanted));
  return difference.empty() ? RouteDifference(links, *link, wanted)
                            : Result<std::string>(std::move(difference));
}

}  // namespace trellis::plugins::network
