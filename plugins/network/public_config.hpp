// What the node shows to the internet: the ledger's record of it, and what the operator set
// instead.
#pragma once

#include "plugins/network/config.hpp"

#include <trellis/services/net.hpp>

#include <mutex>
#include <optional>
#include <string_view>

namespace trellis::plugins::network {

/// Thread-safe.
class PublicConfig {
 public:
  PublicConfig(Host host, PublicSettings settings);

  /// kInvalid with the key when an address is none.
  static Result<void> Check(PublicSettings const& settings);
  /// From now on changes of the record are followed and told.
  Result<void> Start();
  [[nodiscard]] services::PublicConfigInfo Info();

 private:
  [[nodiscard]] std::optional<services::NodePublicConfig> Merge(std::string_view node) const;
  void NodeChanged(std::string_view node);

  Host host_;
  PublicSettings settings_;
  std::mutex mutex_;  // guards current_
  std::optional<services::NodePublicConfig> current_;
};

}  // namespace trellis::plugins::network
