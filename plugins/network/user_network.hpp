// One user network on this node: bridge, namespace, links, addresses and rules. Thread-safe for
// different networks.
#pragma once

#include "plugins/network/config.hpp"
#include "plugins/network/links.hpp"
#include "plugins/network/namespaces.hpp"
#include "plugins/network/records.hpp"

#include <optional>

namespace trellis::plugins::network {

/// The address of the network's router: the last octet of the subnet is 1.
IpAddress GatewayOf(IpNet const& subnet);

/// Builds, compares and removes user networks. What it is asked to build has passed the checks.
class UserNetworks {
 public:
  UserNetworks(NetworkConfig const& config, Namespaces const& namespaces)
      : config_(config), namespaces_(namespaces) {}

  /// Makes everything as `record` says, with the address `lease` towards the node's router.
  Result<void> Converge(NetworkRecord const& record, IpAddress const& lease);
  /// The first difference as text; nullopt when all is right. kNotFound when there is nothing.
  Result<std::optional<std::string>> Difference(NetworkRecord const& record,
                                                IpAddress const& lease);
  /// OK when missing.
  Result<void> Remove(std::string const& net_id);
  /// NetIDs of the namespaces and bridges that are there.
  Result<std::vector<std::string>> Present();

 private:
  [[nodiscard]] std::string RulesOf(NetworkRecord const& record) const;
  Result<void> CreateLinks(Links& links, std::string const& net_id);

  NetworkConfig const& config_;
  Namespaces const& namespaces_;
};

}  // namespace trellis::plugins::network
