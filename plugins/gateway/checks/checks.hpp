// What a route must fulfil, in the order of the sentences that clients know. Pure.
#pragma once

#include "plugins/gateway/checks/request.hpp"

#include <vector>

namespace trellis::plugins::gateway {

inline constexpr std::size_t kMaxBackends = 16;

/// The domain that the request is for, in its canonical form.
std::string DomainOf(RouteRequest const& request, NodeFacts const& node);
/// Public configuration, and a domain for names.
Result<void> CheckSupported(RouteRequest const& request, NodeFacts const& node);
/// Not the node's own domain, and not too long.
Result<void> CheckDomain(RouteRequest const& request, NodeFacts const& node);
enum class Loopback : bool { kRefused, kAllowed };
/// Addresses that may be dialled, as `<ip>|<port>`, each once.
Result<std::vector<std::string>> CheckBackends(RouteRequest const& request, NodeFacts const& node,
                                               Loopback loopback);

}  // namespace trellis::plugins::gateway
