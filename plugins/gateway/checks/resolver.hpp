// Asks one name server, without any cache.
#pragma once

#include <trellis/net.hpp>
#include <trellis/result.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace trellis::plugins::gateway {

/// IPv4 and IPv6 addresses of `domain`, aliases followed by the server; empty when it has none.
/// `server` is `ip:port`. kUnavailable when it does not answer within `limit`, or cannot tell.
Result<std::vector<IpAddress>> Resolve(std::string const& server, std::string const& domain,
                                       std::chrono::milliseconds limit);

}  // namespace trellis::plugins::gateway
