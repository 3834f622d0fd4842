// The kernel's own commands: everything a client needs with no plugin loaded.
#pragma once

#include "kernel/api/health.hpp"
#include "kernel/api/perf.hpp"
#include "kernel/api/router.hpp"
#include "kernel/engine/engine.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::api {

/// Commands of the kernel in groups that plugins may share.
inline constexpr std::array<std::string_view, 1> kKernelCommands{"zos.storage.pools"};

/// zos.deployment.*, zos.statistics.get.
void AddDeploymentCommands(Router& router, engine::Engine& engine);
/// zos.debug.deployment.*.
void AddDebugCommands(Router& router, engine::Engine& engine, plugin::Plugins& plugins);

/// What the system commands tell about the node.
struct SystemFacts {
  std::string version;
  std::string supervisor;     ///< version of the process supervisor, "" = none
  std::string location_json;  ///< of zos.location.get; "" = not configured
};
/// What needs neither plugins nor store: zos.system.{version,hypervisor,dmi}, zos.location.get,
/// rmb.version. Part of AddSystemCommands.
void AddMachineCommands(Router& router, SystemFacts const& facts);

/// Borrowed by the handlers.
struct SystemParts {
  plugin::Plugins& plugins;
  Health& health;
  PerfRegistry& perf;
};
/// zos.system.*, zos.perf.*, zos.gpu.list, zos.location.get, zos.storage.pools, rmb.version.
void AddSystemCommands(Router& router, SystemParts const& parts, SystemFacts const& facts);

/// What the node can run: its workload types and what plugins add, sorted.
std::vector<std::string> NodeFeatures(plugin::Plugins& plugins);

/// The kernel's own performance tasks: healthcheck and cpu-benchmark.
void AddKernelTasks(PerfRegistry& perf, Health& health, engine::Engine& engine);

}  // namespace trellis::api
