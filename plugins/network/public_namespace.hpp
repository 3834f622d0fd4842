// The namespace `public`: the node's own public addresses, on the public segment, away from the
// node's other interfaces. Proxies and the sockets of tunnels live in it. Not thread-safe.
#pragma once

#include "plugins/network/link_difference.hpp"
#include "plugins/network/namespaces.hpp"

#include <trellis/services/net.hpp>

#include <string>

namespace trellis::plugins::network {

inline constexpr char const* kPublicNamespace = "public";

class PublicNamespace {
 public:
  /// `node`: its public key, from which the link's hardware address follows.
  PublicNamespace(Namespaces const& namespaces, std::string_view node)
      : namespaces_(namespaces), node_(node) {}

  /// Makes it as the node's configuration says. The bridge `br-pub` is there. kInvalid when an
  /// address is none.
  Result<void> Converge(services::NodePublicConfig const& config);
  /// The first difference as text; "" = none.
  Result<std::string> Difference(services::NodePublicConfig const& config);
  /// OK when missing.
  Result<void> Remove();

 private:
  Namespaces const& namespaces_;
  std::string node_;
};

}  // namespace trellis::plugins::network
