// Plugins that offer nothing: a base for what a test needs of them.
#pragma once

#include "kernel/plugin/no_plugins.hpp"

namespace trellis::testing {

using NoPlugins = plugin::NoPlugins;

}  // namespace trellis::testing
