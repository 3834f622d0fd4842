// What all user networks of the node share: bridge `br-ndmz`, router namespace `ndmz` and the
// uplink to the host namespace. Not thread-safe.
#pragma once

#include "plugins/network/config.hpp"
#include "plugins/network/link_difference.hpp"
#include "plugins/network/namespaces.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace trellis::plugins::network {

inline constexpr char const* kNdmz = "ndmz";
inline constexpr char const* kNdmzBridge = "br-ndmz";
/// Of everything on `br-ndmz`.
inline constexpr unsigned kNdmzPrefix4 = 16;
inline constexpr unsigned kNdmzPrefix6 = 64;
inline IpAddress const kNdmzRouter4 = IpAddress::V4({100, 127, 0, 1});
inline IpAddress const kNdmzRouter6 =
    IpAddress::V6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});

/// The key of the node as the host tells it (`trl_open.node`); "" when it does not.
std::string NodeKeyOf(std::string_view node);

class NodeNetwork {
 public:
  /// `node`: its public key, from which the uplink's hardware address follows.
  NodeNetwork(NetworkConfig const& config, Namespaces const& namespaces, std::string_view node = {})
      : config_(config), namespaces_(namespaces), node_(node) {}

  /// kInvalid when the configuration cannot be.
  static Result<void> Check(UplinkConfig const& config);

  /// Creates what is missing and corrects what differs. Idempotent.
  Result<void> Converge();
  /// The first difference as text; "" = none.
  Result<std::string> Difference();
  /// Removes all of it. OK when nothing is there.
  Result<void> Remove();

 private:
  [[nodiscard]] bool wants_uplink() const { return config_.uplink.mode != "none"; }
  /// The link towards the outside, in `ndmz`; unset = there is none.
  [[nodiscard]] std::optional<WantedLink> Outside() const;
  /// Creates what is missing, and removes a link of the other kind.
  Result<void> ConvergeUplink(Links& links);
  Result<void> ConvergeVeth(Links& links, bool there);
  Result<void> ConvergeMacvlan(Links& links, bool there);

  NetworkConfig const& config_;
  Namespaces const& namespaces_;
  std::string node_;
};

}  // namespace trellis::plugins::network
