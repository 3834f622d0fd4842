// The segment that public addresses are on: bridge `br-pub` with the operator's interface in it,
// and the node's own ear there, `npub6`, that learns prefix and router. Not thread-safe.
#pragma once

#include "plugins/network/config.hpp"
#include "plugins/network/names.hpp"
#include "plugins/network/namespaces.hpp"

#include <trellis/services/net.hpp>

namespace trellis::plugins::network {

inline constexpr char const* kPublicBridge = "br-pub";

class PublicBridge {
 public:
  /// `node` as the host tells it: its key makes the ear's hardware address.
  PublicBridge(PublicSegment const& config, Namespaces const& namespaces, std::string_view node);

  /// kInvalid when the configuration cannot be.
  static Result<void> Check(PublicSegment const& config);
  [[nodiscard]] bool configured() const { return !config_.parent.empty(); }
  /// The operator's interface in it; "" = none.
  [[nodiscard]] std::string interface() const;
  /// Creates what is missing. The namespace `ndmz` is there already. kConflict when the interface
  /// has addresses of the node.
  Result<void> Converge();
  /// OK when nothing is there.
  Result<void> Remove();
  /// kNotFound `no public ipv6 found`.
  Result<services::PublicPrefix> Prefix6();

 private:
  Result<void> TakeParent();
  Result<void> ConvergeEar();

  PublicSegment const& config_;
  Namespaces const& namespaces_;
  MacAddress ear_mac_{};
};

}  // namespace trellis::plugins::network
