#include "plugins/network/links_inside.hpp"

namespace trellis::plugins::network {

Result<bool> HasLinkInside(Namespaces const& namespaces, std::string const& netns,
                           std::string const& link) {
  bool has = false;
  TRELLIS_CHECK(namespaces.RunIn(netns, [&]() -> Result<void> {
    TRELLIS_TRY(auto links, Links::Open());
    TRELLIS_TRY(auto const found, links.Find(link));
    has = found.has_value();
    return {};
  }));
  return has;
}

Result<void> EnsureMacvlanInside(Namespaces const& namespaces, std::string const& netns,
                                 std::string const& link, MacAddress const& mac,
                                 std::string const& bridge) {
  TRELLIS_TRY(bool const has, HasLinkInside(namespaces, netns, link));
  if (has) return {};
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const parent, links.Get(bridge));
  TRELLIS_TRY(auto const target, namespaces.Open(netns));
  return links.CreateMacvlan({link, target.get(), mac}, parent.index);
}

}  // namespace trellis::plugins::network
