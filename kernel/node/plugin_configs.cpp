#include "kernel/node/plugin_configs.hpp"

#include "kernel/plugin/config_schema.hpp"
#include "kernel/plugin/manifest.hpp"
#include "kernel/sys/files.hpp"

namespace trellis::node {

Result<void> CheckPluginConfigs(NodeConfig const& config) {
  for (auto const& [name, plugin] : config.plugins) {
    auto const text = sys::ReadFile(config.plugins_dir / (name + ".manifest.json"));
    if (!text) continue;
    auto const manifest = plugin::Manifest::ParseFile(*text);
    if (!manifest || plugin.config_version != manifest->config_version) continue;
    TRELLIS_CHECK(plugin::CheckedConfig(manifest->config_schema, plugin.config_json,
                                        fmt::format("plugin.{}.config", name)));
  }
  return {};
}

}  // namespace trellis::node
