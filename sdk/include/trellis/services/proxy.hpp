// trellis.proxy.route/1: public domains for what other plugins serve.
#pragma once

#include <trellis/host.hpp>

namespace trellis::services {

inline constexpr char const* kProxyRoute = "trellis.proxy.route/1";

/// set{owner,fqdn,backends,tls_passthrough,network}: makes the route, or makes it so. Backends as
/// in the gateway's workloads: `ip:port` when TLS passes through, else `http://ip[:port]`.
struct RouteSet {
  std::string owner;
  std::string fqdn;
  std::vector<std::string> backends;
  bool tls_passthrough = false;
  std::string network;  ///< of the owner's twin; "" = the node's own
};
BOOST_DESCRIBE_STRUCT(RouteSet, (), (owner, fqdn, backends, tls_passthrough, network))
/// delete{owner}: OK when there is none.
struct RouteDelete {
  std::string owner;
};
BOOST_DESCRIBE_STRUCT(RouteDelete, (), (owner))

}  // namespace trellis::services
