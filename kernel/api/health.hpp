// How the node does: what `zos.system.diagnostics` and the health check task tell.
#pragma once

#include "kernel/engine/engine.hpp"
#include "kernel/plugin/types.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace trellis::api {

/// One part of the node: the engine's parts and every plugin.
struct Module {
  std::string name;
  std::vector<std::pair<std::string, std::string>> objects;  ///< what it offers, with versions
  std::vector<engine::Check> checks;
  bool vital = true;  ///< its failed checks make the node unhealthy
};

/// Safe for use by several threads.
class Health {
 public:
  Health(engine::Engine& engine, plugin::Plugins& plugins, std::string version)
      : engine_(engine), plugins_(plugins), version_(std::move(version)) {}

  [[nodiscard]] std::vector<Module> Look();
  /// {"system_status_ok","modules","healthy"}
  [[nodiscard]] std::string DiagnosticsJson();
  /// {"<check>":["<error>",…]}: an empty list is a good check.
  [[nodiscard]] std::string HealthcheckJson();

 private:
  engine::Engine& engine_;
  plugin::Plugins& plugins_;
  std::string version_;
};

/// Does no vital check fail?
[[nodiscard]] bool IsHealthy(std::vector<Module> const& modules);

}  // namespace trellis::api
