// Where a gateway sends its traffic, as text of the workload data.
#pragma once

#include <trellis/net.hpp>
#include <trellis/result.hpp>

#include <string>
#include <string_view>

namespace trellis::plugins::gateway {

/// A checked backend.
struct Endpoint {
  IpAddress ip;
  std::string address;  ///< to dial: `host:port`, IPv6 in brackets
};

/// Reads `host:port` when TLS passes through, else a URL `http://host[:port]` (port 80 by default).
/// The host is an IP literal; behind a URL it is not a loopback address. kInvalid with a sentence.
/// Pure.
Result<Endpoint> ReadBackend(std::string_view text, bool tls_passthrough);

}  // namespace trellis::plugins::gateway
