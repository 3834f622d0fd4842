// Laptops on user networks: the peer a node gets, and the file the laptop gets. Pure.
#pragma once

#include "kernel/grid/deployment.hpp"

#include <trellis/json.hpp>
#include <trellis/net.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace trellis::cli {

/// As clients note it in the metadata of a network workload.
struct UserAccess {
  IpNet subnet;
  std::string private_key;  ///< base64
  std::uint32_t node_id = 0;
};
BOOST_DESCRIBE_STRUCT(UserAccess, (), (subnet, private_key, node_id))

/// A key pair of WireGuard, base64.
struct AccessKeys {
  std::string secret;
  std::string open;
};
AccessKeys NewAccessKeys();
/// kInvalid when `secret` is none.
Result<std::string> OpenKeyOf(std::string const& secret);

/// The accesses that a network's metadata tells of; none when there is no metadata.
Result<std::vector<UserAccess>> AccessesOf(grid::Workload const& network);
/// Gives the network a peer for `access` and notes it in its metadata. The rest stays as it is.
Result<void> AddAccess(grid::Workload& network, UserAccess const& access);
/// Lets the network's other nodes know: what is for the laptop goes to the node behind the peer
/// with key `node`. False: there is no such peer.
Result<bool> AddRoute(grid::Workload& network, IpNet const& subnet, std::string const& node);
/// The public key of the network's part on its node, base64.
Result<std::string> OpenKeyIn(grid::Workload const& network);
/// The first /24 of the network's range that no node, peer or laptop has in any of the network's
/// `parts`, which are not empty. kExhausted.
Result<IpNet> FreeSubnet(std::vector<grid::Workload const*> const& parts);
/// What wg-quick reads on the laptop. `endpoint`: "ip:port" of the node.
Result<std::string> AccessFile(grid::Workload const& network, UserAccess const& access,
                               std::string const& endpoint);

}  // namespace trellis::cli
