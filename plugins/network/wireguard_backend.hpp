// Who carries the tunnels: the kernel, or wireguard-go where the kernel cannot. Thread-safe
// for different networks.
#pragma once

#include "plugins/network/namespaces.hpp"
#include "plugins/network/wireguard.hpp"

#include <trellis/sdk.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::network {

class WireGuardBackend {
 public:
  WireGuardBackend() = default;
  virtual ~WireGuardBackend() = default;
  WireGuardBackend(WireGuardBackend const&) = delete;
  WireGuardBackend& operator=(WireGuardBackend const&) = delete;

  [[nodiscard]] virtual std::string_view name() const = 0;
  /// The link is in the network's namespace, its socket in the namespace `underlay` ("" = here).
  /// True when it was made for that, without any configuration.
  virtual Result<bool> EnsureLink(Call const& call, std::string const& net_id,
                                  std::string const& underlay) = 0;
  /// kNotFound.
  virtual Result<WireGuardDevice> Read(std::string const& net_id) = 0;
  virtual Result<void> Change(std::string const& net_id, WireGuardChange const& change) = 0;
  /// OK when missing. The link itself may stay until its namespace goes.
  virtual Result<void> Remove(Call const& call, std::string const& net_id) = 0;
  /// NetIDs for which something is there besides links.
  virtual Result<std::vector<std::string>> Present() = 0;
};

}  // namespace trellis::plugins::network
