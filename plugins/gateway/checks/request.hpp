// What a client asks for, of either type.
#pragma once

#include "plugins/gateway/data.hpp"
#include "plugins/gateway/routes/record.hpp"

#include <trellis/services/net.hpp>

#include <optional>
#include <string>

namespace trellis::plugins::gateway {

struct RouteRequest {
  std::string id;
  std::string kind;  ///< name|fqdn|service
  std::string name;  ///< the label, or the domain as it was written
  Target target;
  std::uint32_t twin = 0;
  bool paused = false;
};

/// What the node is.
struct NodeFacts {
  std::optional<services::NodePublicConfig> config;
  std::string netns;  ///< of the proxy; "" = the host's

  [[nodiscard]] std::string domain() const {
    return config ? LowerCase(config->domain) : std::string();
  }
};

}  // namespace trellis::plugins::gateway
