// The proxy's configuration: the same whatever is routed, since routes are entries of maps.
#pragma once

#include <cstdint>
#include <string>

namespace trellis::plugins::gateway {

/// What the text depends on.
struct ProxySettings {
  std::string dir;  ///< private folder: configuration, maps, certificates and sockets
  std::uint32_t threads = 1;
  std::uint32_t connections = 1000;
  std::uint32_t per_route = 0;  ///< connections and requests at once of one route; 0 = no limit
  bool ipv6 = true;             ///< listen there too
};

/// Names below the folder.
inline constexpr char const* kConfigFile = "haproxy.cfg";
inline constexpr char const* kAdminSocket = "admin.sock";
inline constexpr char const* kRoutesMap = "routes.map";
inline constexpr char const* kServersMap = "servers.map";
inline constexpr char const* kAcmeMap = "acme.map";
inline constexpr char const* kCrtList = "crt-list.txt";
inline constexpr char const* kBadGateway = "502.http";
inline constexpr char const* kJail = "jail";
inline constexpr char const* kProxyUser = "haproxy";

std::string ConfigText(ProxySettings const& settings);
/// The whole reply of a route whose backend does not answer.
std::string BadGatewayText();

}  // namespace trellis::plugins::gateway
