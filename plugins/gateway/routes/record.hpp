// A route as it is stored: everything that the proxy must know of it.
#pragma once

#include <trellis/json.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::plugins::gateway {

inline constexpr std::string_view kNameKind = "name";        ///< a label below the node's domain
inline constexpr std::string_view kFqdnKind = "fqdn";        ///< a domain of the client
inline constexpr std::string_view kServiceKind = "service";  ///< of another plugin

struct RouteRecord {
  std::string id;    ///< workload id, or the owner that another plugin gave
  std::string kind;  ///< name|fqdn|service
  std::string name;  ///< the label of a name route
  std::string fqdn;  ///< lower case
  std::uint32_t twin = 0;
  bool tls_passthrough = false;
  bool paused = false;
  std::vector<std::string> backends;  ///< `<ip>|<port>`, IPv6 without brackets
  std::string network;                ///< of the same twin; "" = the node's own
  std::string netns;                  ///< of the network
  std::vector<std::string> forwards;  ///< where the forwarder listens for each backend in it

  bool operator==(RouteRecord const&) const = default;
};
BOOST_DESCRIBE_STRUCT(RouteRecord, (),
                      (id, kind, name, fqdn, twin, tls_passthrough, paused, backends, network,
                       netns, forwards))

/// Lower-case ASCII: the canonical form of a domain.
std::string LowerCase(std::string_view text);
/// The value of the route's map entry, with `h|` before it when paused. One server is found with
/// one look-up: `t|<id>|<ip>|<port>`, with passthrough `p|…`; of several, whose addresses are in a
/// map of their own, one is drawn: `m|<id>|<count>`, `q|…`.
std::string RouteValue(RouteRecord const& route);
/// Where the proxy connects to: the backends, or the forwarder for those in a
/// network.
std::vector<std::string> const& ServersOf(RouteRecord const& route);
/// Map entries of the route's servers, by key; none for a single one.
std::map<std::string, std::string> ServerEntries(RouteRecord const& route);

}  // namespace trellis::plugins::gateway
