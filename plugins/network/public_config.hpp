// What the node shows to the internet: the ledger's record of it, and what the operator set
// instead.
#pragma once

#include "plugins/network/config.hpp"

#include <trellis/services/net.hpp>

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace trellis::plugins::network {

/// Thread-safe.
class PublicConfig {
 public:
  /// `netns`: where the addresses are while there are some; "" = the node's own namespace.
  PublicConfig(Host host, PublicSettings settings, std::string netns);

  /// kInvalid with the key when an address is none.
  static Result<void> Check(PublicSettings const& settings);
  /// From now on changes of the record are followed and told, first to `first`.
  Result<void> Start(std::function<void(std::optional<services::NodePublicConfig> const&)> first);
  [[nodiscard]] services::PublicConfigInfo Info();

 private:
  [[nodiscard]] std::optional<services::NodePublicConfig> Merge(std::string_view node) const;
  void NodeChanged(std::string_view node);

  Host host_;
  PublicSettings settings_;
  std::string netns_;
  std::function<void(std::optional<services::NodePublicConfig> const&)> first_;
  std::mutex mutex_;  // guards current_
  std::optional<services::NodePublicConfig> current_;
};

}  // namespace trellis::plugins::network
