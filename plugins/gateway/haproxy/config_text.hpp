// The proxy's configuration: the same whatever is routed, since routes are entries of maps.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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

/// Frontends of port 443; the process listens with one of them at a time, on the same socket.
inline constexpr char const* kTwoHops = "tls443";  ///< looks into the hello first
inline constexpr char const* kOneHop = "direct";   ///< ends TLS at once
/// The others, which always listen.
inline constexpr char const* kPlainFrontend = "http80";
inline constexpr char const* kSecondHop = "https";

/// The process is started with sockets from this descriptor on: those of `ListenAddresses`.
inline constexpr int kFirstListener = 10;
/// `ip:port`; one that is named twice is the same socket, so that none of its connections is lost
/// when another frontend takes over.
std::vector<std::string> ListenAddresses(bool ipv6);

/// kTwo: a process that starts with it must not end the TLS of routes that pass through, so it
/// knows of no other way. kOne: it has both ways, and both listen until one is switched off.
enum class Hops : bool { kOne, kTwo };
std::string ConfigText(ProxySettings const& settings, Hops hops);
/// The whole reply of a route whose backend does not answer.
std::string BadGatewayText();

}  // namespace trellis::plugins::gateway
