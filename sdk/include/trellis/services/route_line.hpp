// What `list` of trellis.proxy.route/1, and the command `zos.x.gateway.list`, say of each route.
#pragma once

#include <boost/describe.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace trellis::services {

struct RouteLine {
  std::string owner;
  std::string fqdn;
  std::string kind;
  std::vector<std::string> backends;
  std::string network;  ///< "" = the node's own
  std::string certificate;
  std::string certificate_error;  ///< why none was issued yet
  bool paused = false;
  std::uint64_t requests = 0;
  std::uint64_t connections = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};
BOOST_DESCRIBE_STRUCT(RouteLine, (),
                      (owner, fqdn, kind, backends, network, certificate, certificate_error, paused,
                       requests, connections, bytes_in, bytes_out))

}  // namespace trellis::services
