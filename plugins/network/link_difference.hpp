// What a link is to be like, and how it differs from that.
#pragma once

#include "plugins/network/links.hpp"

#include <string>
#include <vector>

namespace trellis::plugins::network {

struct WantedLink {
  std::string name;
  std::vector<IpNet> addresses;       ///< these and no others, but link-local ones
  std::vector<IpAddress> gateways{};  ///< default routes through the link
  std::vector<IpNet> ranges{};        ///< routes straight through the link
};

/// The first thing that is not so; "" = nothing.
Result<std::string> DifferenceOf(Links& links, WantedLink const& wanted);

}  // namespace trellis::plugins::network
