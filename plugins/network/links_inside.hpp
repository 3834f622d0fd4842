// Links inside of namespaces, made from outside.
#pragma once

#include "plugins/network/links.hpp"
#include "plugins/network/namespaces.hpp"

#include <string>

namespace trellis::plugins::network {

/// Is there a link of that name in the namespace?
Result<bool> HasLinkInside(Namespaces const& namespaces, std::string const& netns,
                           std::string const& link);
/// Makes it as a macvlan of the bridge, which is here, when it is missing. It is down then.
Result<void> EnsureMacvlanInside(Namespaces const& namespaces, std::string const& netns,
                                 std::string const& link, MacAddress const& mac,
                                 std::string const& bridge);

}  // namespace trellis::plugins::network
