#include "plugins/gateway/routes/record.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace trellis::plugins::gateway {

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

std::string RouteValue(RouteRecord const& route) {
  auto const& servers = ServersOf(route);
  auto const* const paused = route.paused ? "h|" : "";
  if (servers.size() == 1)
    return fmt::format("{}{}|{}|{}", paused, route.tls_passthrough ? 'p' : 't', route.id,
                       servers.front());
  return fmt::format("{}{}|{}|{}", paused, route.tls_passthrough ? 'q' : 'm', route.id,
                     servers.size());
}

std::vector<std::string> const& ServersOf(RouteRecord const& route) {
  return route.network.empty() ? route.backends : route.forwards;
}

std::map<std::string, std::string> ServerEntries(RouteRecord const& route) {
  std::map<std::string, std::string> entries;
  auto const& servers = ServersOf(route);
  if (servers.size() == 1) return entries;  // the route's value has it
  for (std::size_t i = 0; i < servers.size(); ++i)
    entries.emplace(fmt::format("{}/{}", route.id, i), servers[i]);
  return entries;
}

}  // namespace trellis::plugins::gateway
