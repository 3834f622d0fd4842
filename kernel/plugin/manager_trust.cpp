// Manager: which files are loaded, and whether their code is what their manifests say.
#include "kernel/base/log.hpp"
#include "kernel/plugin/manager.hpp"
#include "kernel/plugin/manifest_pack.hpp"

namespace trellis::plugin {

Result<void> Manager::Verify(PluginRecord& plugin) {
  plugin.code = plugin.file;
  if (trust_ == nullptr) return {};
  TRELLIS_TRY(auto trusted, trust_->Verify(plugin.file));
  for (auto const& warning : trusted.warnings)
    log::Warn("DEV MODE: running a plugin that would be refused",
              {{"plugin", plugin.name}, {"reason", warning}});
  plugin.code = trusted.code;
  plugin.manifest = std::move(trusted.manifest);
  plugin.verified = true;
  plugin.key_id = std::move(trusted.key_id);
  plugin.dev = !trusted.warnings.empty();
  return Grant(plugin, plugin.manifest.permissions);
}

Result<void> Manager::Describe(PluginRecord& plugin, DescriptionBody const& description) {
  plugin.version = description.version;
  plugin.serial = !description.parallel;
  if (plugin.verified)
    return CompareDescriptor(plugin.manifest, description.version, description.abi);
  TRELLIS_TRY(plugin.manifest, Manifest::Parse(description.manifest, plugin.name, plugin.version));
  return Grant(plugin, plugin.manifest.permissions);
}

Result<void> Manager::CheckRegistered(PluginRecord const& plugin) {
  if (!plugin.verified) return {};
  return CompareRegistered(plugin.manifest, plugin.registry->Of(plugin.name));
}

}  // namespace trellis::plugin
