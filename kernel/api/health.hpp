// How the node does: what `zos.system.diagnostics` and the health check task tell.
#pragma once

#include "kernel/engine/engine.hpp"
#include "kernel/plugin/types.hpp"

#include <mutex>
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

  /// What makes the node healthy or not. Asks no plugin.
  [[nodiscard]] std::vector<Module> LookAtVital();
  /// That, and what plugins say of themselves.
  [[nodiscard]] std::vector<Module> Look();
  /// The node's store cannot be used any more.
  void ReportStore(std::string trouble);
  /// What ReportStore said, "" while all is well.
  [[nodiscard]] std::string store_trouble() const;
  /// {"<check>":["<error>",…]}: an empty list is a good check.
  [[nodiscard]] std::string HealthcheckJson();

 private:
  engine::Engine& engine_;
  plugin::Plugins& plugins_;
  std::string version_;
  mutable std::mutex mutex_;  // guards store_trouble_
  std::string store_trouble_;
};

/// Does no vital check fail?
[[nodiscard]] bool IsHealthy(std::vector<Module> const& modules);
/// {"system_status_ok","modules","healthy"}
[[nodiscard]] std::string DiagnosticsJson(std::vector<Module> const& modules);
/// The module `store` of a node whose store cannot be used.
[[nodiscard]] Module BrokenStore(std::string trouble);

}  // namespace trellis::api
