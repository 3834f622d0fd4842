// What all user networks of the node share: bridge `br-ndmz`, router namespace `ndmz` and the
// uplink to the host namespace. Not thread-safe.
#pragma once

#include "plugins/network/config.hpp"
#include "plugins/network/links.hpp"
#include "plugins/network/namespaces.hpp"

namespace trellis::plugins::network {

inline constexpr char const* kNdmz = "ndmz";
inline constexpr char const* kNdmzBridge = "br-ndmz";

class NodeNetwork {
 public:
  NodeNetwork(NetworkConfig const& config, Namespaces const& namespaces)
      : config_(config), namespaces_(namespaces) {}

  /// Creates what is missing and corrects what differs. Idempotent.
  Result<void> Converge();
  /// Removes all of it. OK when nothing is there.
  Result<void> Remove();

 private:
  [[nodiscard]] bool wants_uplink() const { return config_.uplink.mode != "none"; }
  Result<void> ConvergeUplink(Links& links);

  NetworkConfig const& config_;
  Namespaces const& namespaces_;
};

}  // namespace trellis::plugins::network
