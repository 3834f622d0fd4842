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
  return fmt::format("{}{}|{}|{}", route.paused ? "h|" : "", route.tls_passthrough ? 'p' : 't',
                     route.id, route.backends.size());
}

std::map<std::string, std::string> ServerEntries(RouteRecord const& route) {
  std::map<std::string, std::string> entries;
  for (std::size_t i = 0; i < route.backends.size(); ++i)
    entries.emplace(fmt::format("{}/{}", route.id, i), route.backends[i]);
  return entries;
}

}  // namespace trellis::plugins::gateway
