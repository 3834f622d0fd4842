// Packet filter rules, all in the table `inet trellis` of a namespace.
#pragma once

#include <trellis/net.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::network {

/// Rules of one user network's namespace.
struct NetworkRules {
  std::string net_id;
  IpNet ip_range;
  IpNet subnet;
  std::vector<std::uint16_t> smtp_block;
  [[nodiscard]] std::string Text() const;
};
/// Rules of the namespace between the networks and the outside. `host_addresses` of the node and
/// `lan_block` are what nobody on a network reaches.
std::string NdmzRules(std::vector<IpAddress> const& host_addresses,
                      std::vector<IpNet> const& lan_block);
/// Rules of a namespace with a zdb server, and of one with a mounted qsfs.
std::string ZdbRules();
std::string QsfsRules();
/// Rules of the node itself: what comes in through `link` from `source` goes out under the node's
/// address, and never reaches the node.
std::string HostRules(std::string_view link, IpNet const& source);

/// Replaces the table in the calling thread's namespace, in one transaction.
Result<void> ApplyRules(std::string_view text);
/// Is the table there, made of exactly this text, and has it as many rules as then?
Result<bool> HasRules(std::string_view text);
/// OK when there is none.
Result<void> RemoveRules();

}  // namespace trellis::plugins::network
