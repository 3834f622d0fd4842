// What the configuration says for plugins, before any of them runs.
#pragma once

#include "kernel/node/config.hpp"

namespace trellis::node {

/// kInvalid names the first key that a plugin's own schema does not allow. Tables of plugins
/// without manifest file, or that were written for an older schema, are passed over: only a start
/// tells.
Result<void> CheckPluginConfigs(NodeConfig const& config);

}  // namespace trellis::node
