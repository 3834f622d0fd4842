// The tunnels of user networks to their other nodes and to access peers. Thread-safe for
// different networks.
#pragma once

#include "plugins/network/config.hpp"
#include "plugins/network/records.hpp"
#include "plugins/network/wireguard_backend.hpp"

#include <trellis/metrics.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace trellis::plugins::network {

class Tunnels {
 public:
  Tunnels(Host host, NetworkConfig const& config, Namespaces const& namespaces);

  /// Chooses who carries them. That nobody can is told when the first network wants one.
  Result<void> Start();
  /// Makes the tunnel of a network, whose namespace is there, as `record` says. `asked`: what was
  /// asked for before. Peers that stay the same lose nothing.
  Result<void> Converge(Call const& call, NetworkRecord const& record, Network const& asked);
  /// The first difference as text, "" = none.
  Result<std::string> Difference(NetworkRecord const& record);
  /// OK when missing.
  Result<void> Remove(Call const& call, std::string const& net_id);
  /// Its link goes too, so that the next one is made anew. OK when missing.
  Result<void> Discard(Call const& call, std::string const& net_id);
  /// The network whose tunnel ended with the data process of that name; nullopt when none did.
  [[nodiscard]] std::optional<std::string> EndedWith(std::string_view process) const;
  /// Ends what no network in `known` has.
  Result<void> RemoveOthers(Call const& call, std::set<std::string> const& known);

 private:
  Result<WireGuardBackend*> backend();

  Host host_;
  NetworkConfig const& config_;
  Namespaces const& namespaces_;
  std::mutex mutex_;  // guards backend_
  std::unique_ptr<WireGuardBackend> backend_;
  Metric changes_;
};

}  // namespace trellis::plugins::network
