// The order in which plugins come up.
#pragma once

#include "kernel/plugin/manifest.hpp"

#include <map>
#include <string>
#include <vector>

namespace trellis::plugin {

struct StartOrder {
  std::vector<std::string> names;              ///< providers before those who require them
  std::map<std::string, std::string> blocked;  ///< name to reason
};

/// Topological over `services.requires`, then by name. A cycle blocks everything in it (`a → b →
/// a`); a plugin whose requirement is missing or blocked is blocked (`needs trellis.net.attach/1`).
[[nodiscard]] StartOrder OrderPlugins(std::map<std::string, Manifest> const& manifests);

}  // namespace trellis::plugin
