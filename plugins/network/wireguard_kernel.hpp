// Tunnels of the kernel.
#pragma once

#include "plugins/network/wireguard_backend.hpp"

namespace trellis::plugins::network {

class KernelWireGuard : public WireGuardBackend {
 public:
  explicit KernelWireGuard(Namespaces const& namespaces) : namespaces_(namespaces) {}

  /// Tries it in a namespace of its own, which goes with the call.
  static bool IsThere();

  [[nodiscard]] std::string_view name() const override { return "kernel"; }
  Result<bool> EnsureLink(Call const& call, std::string const& net_id,
                          std::string const& underlay) override;
  Result<WireGuardDevice> Read(std::string const& net_id) override;
  Result<void> Change(std::string const& net_id, WireGuardChange const& change) override;
  Result<void> Remove(Call const&, std::string const&) override { return {}; }
  Result<std::vector<std::string>> Present() override { return std::vector<std::string>(); }

 private:
  Namespaces const& namespaces_;
};

}  // namespace trellis::plugins::network
