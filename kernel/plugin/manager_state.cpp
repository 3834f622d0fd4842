// Manager: what plugins keep and are told, brought to the schema version of their code.
#include "kernel/base/log.hpp"
#include "kernel/plugin/config_schema.hpp"
#include "kernel/plugin/manager.hpp"

namespace trellis::plugin {

namespace {

constexpr std::chrono::seconds kMigrateLimit{60};

/// Nobody is about to create it: what it is given does not change under those who look.
bool Settled(PluginRecord const& plugin) {
  auto const state = plugin.State();
  return state != PluginState::kLoaded && state != PluginState::kStarting;
}

}  // namespace

StoredState Manager::StateOf(PluginRecord const& plugin) const {
  return {std::filesystem::path(options_.state_dir) / "plugins", plugin.name, parts_.kernel};
}

Result<std::string> Manager::MigratedConfig(PluginRecord& plugin, PluginChannel& channel) {
  auto const found = options_.plugins.find(plugin.name);
  if (found == options_.plugins.end()) return std::string("{}");
  auto text = found->second.config_json;
  auto const written = found->second.config_version;
  auto const wanted = plugin.manifest.config_version;
  if (written > wanted)
    return trellis::Fail(Code::kInvalid,
                         "its configuration is of version {}, plugin '{}' {} knows version {}",
                         written, plugin.name, plugin.version, wanted);
  for (auto version = written; version < wanted && text != "{}"; ++version) {
    auto next = channel.MigrateConfig(StartCall(kMigrateLimit), version, text);
    if (!next)
      return tl::unexpected<Error>(std::move(next).error().With(
          "migrate the configuration of plugin '{}' from version {}", plugin.name, version));
    text = *std::move(next);
    plugin.migrated_config = text;
  }
  if (!plugin.migrated_config.empty())
    log::Warn("plugin's configuration is old; 'trellis plugin info' shows what it is taken for",
              {{"plugin", plugin.name}, {"version", written}, {"current", wanted}});
  return text;
}

Result<std::string> Manager::ConfigFor(PluginRecord& plugin, PluginChannel& channel) {
  TRELLIS_TRY(auto const written, MigratedConfig(plugin, channel));
  auto checked = CheckedConfig(plugin.manifest.config_schema, written,
                               fmt::format("plugin.{}.config", plugin.name));
  // Without a node nothing is configured: what a plugin can do then is its own to say.
  if (!checked && !options_.start && written == "{}") return written;
  return checked;
}

std::vector<ConfigKey> Manager::ConfigKeysOf(std::string_view name) const {
  auto const* const plugin = directory_.Find(name);
  if (plugin == nullptr) return {};
  return ConfigKeys(plugin->manifest.config_schema, Settled(*plugin) ? plugin->config : "{}");
}

std::string Manager::MigratedConfigOf(std::string_view name) const {
  auto const* const plugin = directory_.Find(name);
  return plugin == nullptr || !Settled(*plugin) ? std::string() : plugin->migrated_config;
}

Result<void> Manager::CheckStateVersion(PluginRecord const& plugin) const {
  TRELLIS_TRY(auto const version, StateOf(plugin).Version());
  if (version > plugin.manifest.state_version)
    return trellis::Fail(
        Code::kConflict,
        "state written by a newer plugin: it is of version {}, plugin '{}' {} knows version {}",
        version, plugin.name, plugin.version, plugin.manifest.state_version);
  return {};
}

Result<void> Manager::PrepareState(PluginRecord& plugin, PluginChannel& channel) {
  auto const state = StateOf(plugin);
  TRELLIS_TRY(bool const brought_back, state.Settle());
  if (brought_back)
    log::Warn("plugin's state brought back: a change of its version was cut short",
              {{"plugin", plugin.name}});
  TRELLIS_CHECK(CheckStateVersion(plugin));
  return MigrateState(plugin, channel);
}

Result<void> Manager::MigrateState(PluginRecord& plugin, PluginChannel& channel) {
  auto const state = StateOf(plugin);
  auto const wanted = plugin.manifest.state_version;
  TRELLIS_TRY(auto version, state.Version());
  if (version == wanted) return {};
  if (version == 0) return state.SetVersion(wanted);
  auto const folder = SpecOf(plugin).state_dir;
  TRELLIS_CHECK(state.Keep());
  plugin.state_kept = true;
  for (; version < wanted; ++version) {
    auto const done = channel.MigrateState(StartCall(kMigrateLimit), version,
                                           std::filesystem::absolute(folder).string());
    if (!done)
      return trellis::Fail(done.error().code,
                           "migrate the state of plugin '{}' from version {}: {}", plugin.name,
                           version, done.error().message);
  }
  TRELLIS_CHECK(state.SetVersion(wanted));
  log::Info("plugin's state migrated", {{"plugin", plugin.name}, {"version", wanted}});
  return {};
}

void Manager::ForgetKept(PluginRecord& plugin) const {
  if (std::exchange(plugin.state_kept, false)) StateOf(plugin).Drop();
}

void Manager::BringStateBack(PluginRecord& plugin) const {
  if (!std::exchange(plugin.state_kept, false)) return;
  if (auto const done = StateOf(plugin).BringBack(); !done)
    log::Error("plugin's state not brought back; the next start tries again",
               {{"plugin", plugin.name}, {"error", done.error()}});
}

}  // namespace trellis::plugin
