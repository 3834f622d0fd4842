// What the proxy has counted, and the connections that it has open.
#pragma once

#include "plugins/gateway/haproxy/admin.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace trellis::plugins::gateway {

/// Since the proxy started.
struct Traffic {
  std::uint64_t requests = 0;
  std::uint64_t connections = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

/// By route id, out of `show table`.
std::map<std::string, Traffic> ParseTable(std::string_view text);
Result<std::map<std::string, Traffic>> ReadTraffic(AdminSocket const& admin);
/// Sessions whose server is one of `servers` (`<ip>|<port>`), out of `show sess all`.
std::set<std::string> ParseSessions(std::string_view text, std::set<std::string> const& servers);
/// Ends these connections.
Result<void> CloseSessions(AdminSocket const& admin, std::set<std::string> const& servers);

}  // namespace trellis::plugins::gateway
