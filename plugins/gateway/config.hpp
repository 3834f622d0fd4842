// The `[plugin.gateway.config]` table.
#pragma once

#include <trellis/json.hpp>

#include <cstdint>
#include <string>

namespace trellis::plugins::gateway {

/// The authority that certificates are ordered from (RFC 8555).
struct AcmeConfig {
  std::string directory = "https://acme-v02.api.letsencrypt.org/directory";
  std::string email;
  bool wildcard = true;  ///< one for all names of the node's domain (DNS), not one for each (HTTP)
  std::string ca;        ///< file: whom to trust instead of the system's authorities
};
BOOST_DESCRIBE_STRUCT(AcmeConfig, (), (directory, email, wildcard, ca))

struct GatewayConfig {
  std::string tls = "selfsigned";  ///< selfsigned|files|acme
  AcmeConfig acme;
  std::string wildcard_cert;  ///< PEM of `*.<domain>`, chain and key; with tls = files
  std::string cert_dir;       ///< `<fqdn>.pem`; "" = `certs` in the state directory
  bool verify_dns = true;     ///< an fqdn must point at the node
  std::string resolver = "8.8.8.8:53";
  bool allow_loopback_backends = false;
  std::uint32_t threads = 0;             ///< of the proxy; 0 = CPUs, at most 4
  std::uint32_t max_connections = 0;     ///< of the proxy; 0 = what its descriptors allow
  std::uint32_t max_conn_per_route = 0;  ///< at once; 0 = no limit
  std::string forwarder;                 ///< program; "" = trellis-nnc beside the daemon's
  std::string listener;                  ///< program; "" = trellis-listen beside the daemon's
  std::string haproxy = "haproxy";       ///< program, searched where programs are when no path
};
BOOST_DESCRIBE_STRUCT(GatewayConfig, (),
                      (tls, acme, wildcard_cert, cert_dir, verify_dns, resolver,
                       allow_loopback_backends, threads, max_connections, max_conn_per_route,
                       forwarder, listener, haproxy))

}  // namespace trellis::plugins::gateway
