#include "plugins/gateway/haproxy/traffic.hpp"

#include "plugins/gateway/haproxy/lines.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace trellis::plugins::gateway {

namespace {

/// The word after `key` in the line; "" when it is not there.
std::string_view ValueOf(std::string_view line, std::string_view key) {
  auto const at = line.find(key);
  if (at == std::string_view::npos) return {};
  auto const value = line.substr(at + key.size());
  return value.substr(0, value.find(' '));
}

std::uint64_t NumberOf(std::string_view line, std::string_view key) {
  auto const text = ValueOf(line, key);
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// `1.2.3.4:80` and `::1:80` (the proxy writes no brackets) as `<ip>|<port>`.
std::string ServerOf(std::string_view address) {
  auto const colon = address.rfind(':');
  if (colon == std::string_view::npos) return {};
  return fmt::format("{}|{}", address.substr(0, colon), address.substr(colon + 1));
}

}  // namespace

std::map<std::string, Traffic> ParseTable(std::string_view text) {
  std::map<std::string, Traffic> table;
  while (!text.empty()) {
    auto const line = TakeLine(text);
    auto const key = ValueOf(line, ": key=");
    if (key.empty()) continue;
    table.emplace(key, Traffic{NumberOf(line, "http_req_cnt="), NumberOf(line, " conn_cnt="),
                               NumberOf(line, "bytes_in_cnt="), NumberOf(line, "bytes_out_cnt=")});
  }
  return table;
}

Result<std::map<std::string, Traffic>> ReadTraffic(AdminSocket const& admin) {
  TRELLIS_TRY(auto const text, admin.Run("show table st_routes"));
  return ParseTable(text);
}

std::set<std::string> ParseSessions(std::string_view text, std::set<std::string> const& servers) {
  std::set<std::string> found;
  std::string session;
  while (!text.empty()) {
    auto const line = TakeLine(text);
    if (line.starts_with("0x")) session = line.substr(0, line.find(':'));
    if (line.find("server=dst ") == std::string_view::npos) continue;
    if (servers.contains(ServerOf(ValueOf(line, " addr=")))) found.insert(session);
  }
  return found;
}

Result<void> CloseSessions(AdminSocket const& admin, std::set<std::string> const& servers) {
  if (servers.empty()) return {};
  TRELLIS_TRY(auto const text, admin.Run("show sess all"));
  // One that ended meanwhile is no longer known, which is as well.
  for (auto const& session : ParseSessions(text, servers))
    TRELLIS_CHECK(admin.Run("shutdown session " + session));
  return {};
}

}  // namespace trellis::plugins::gateway
