// Tunnels of wireguard-go: a data process for each network.
#pragma once

#include "plugins/network/wireguard_backend.hpp"

#include <optional>

namespace trellis::plugins::network {

class UserWireGuard : public WireGuardBackend {
 public:
  UserWireGuard(Host host, Namespaces const& namespaces);

  static bool IsThere();
  /// The network whose tunnel a data process of that name carries; nullopt for other processes.
  static std::optional<std::string> NetworkOf(std::string_view process);

  [[nodiscard]] std::string_view name() const override { return "userspace"; }
  Result<bool> EnsureLink(Call const& call, std::string const& net_id,
                          std::string const& underlay) override;
  Result<WireGuardDevice> Read(std::string const& net_id) override;
  Result<void> Change(std::string const& net_id, WireGuardChange const& change) override;
  Result<void> Remove(Call const& call, std::string const& net_id) override;
  Result<std::vector<std::string>> Present() override;

 private:
  [[nodiscard]] std::string SocketOf(std::string const& net_id) const;
  [[nodiscard]] ProcessSpec SpecOf(std::string const& net_id, std::string const& underlay) const;
  /// The process of that name, if it is known.
  [[nodiscard]] Result<std::optional<ProcessInfo>> Process(std::string const& net_id) const;
  /// Deletes its link in that namespace. OK when missing.
  Result<void> DeleteLink(std::string const& netns, std::string const& net_id) const;
  Result<bool> HasLink(std::string const& netns, std::string const& net_id) const;
  Result<void> MoveLink(std::string const& underlay, std::string const& net_id) const;
  Result<void> Start(Call const& call, std::string const& net_id, std::string const& underlay);
  /// Until its socket answers and its link is there.
  Result<void> Await(Call const& call, std::string const& net_id, std::string const& underlay);
  Result<std::string> Ask(std::string const& net_id, std::string_view request) const;

  Host host_;
  Namespaces const& namespaces_;
  std::string dir_;  ///< of the control sockets
};

}  // namespace trellis::plugins::network
