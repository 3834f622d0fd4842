// One request over the control socket of wireguard-go.
#pragma once

#include <trellis/result.hpp>

#include <string>
#include <string_view>

namespace trellis::plugins::network {

/// Sends `request` to the socket at `path` and returns the answer, up to and with its empty line.
/// kUnavailable when nobody listens, kTimeout when the answer takes longer than five seconds.
Result<std::string> AskSocket(std::string const& path, std::string_view request);

}  // namespace trellis::plugins::network
