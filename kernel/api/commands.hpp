// The kernel's own commands: everything a client needs with no plugin loaded.
#pragma once

#include "kernel/api/router.hpp"
#include "kernel/engine/engine.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace trellis::api {

/// Commands of the kernel in groups that plugins may share.
inline constexpr std::array<std::string_view, 1> kKernelCommands{"zos.storage.pools"};

/// zos.deployment.*, zos.statistics.get, zos.debug.deployment.*.
void AddDeploymentCommands(Router& router, engine::Engine& engine);

/// What the system commands tell about the node.
struct SystemFacts {
  std::string version;
  std::string location_json;  ///< of zos.location.get; "" = not configured
};
/// zos.system.*, zos.perf.*, zos.gpu.list, zos.location.get, zos.storage.pools.
void AddSystemCommands(Router& router, plugin::Plugins& plugins, SystemFacts facts);

}  // namespace trellis::api
