// local.plugin.*: looking at plugins, starting them again, exchanging their versions.
#include "kernel/node/node.hpp"
#include "kernel/plugin/config_schema.hpp"

#include <trellis/json.hpp>

namespace trellis::node {
namespace {

struct NameArgument {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(NameArgument, (), (name))

boost::json::object StatusJson(plugin::PluginStatus const& status) {
  return {{"name", status.name},
          {"version", status.version},
          {"state", status.state},
          {"reason", status.reason},
          {"hosting", status.hosting},
          {"file", status.file},
          {"key", status.key},
          {"dev", status.dev},
          {"pid", status.pid},
          {"restarts", status.restarts},
          {"memory", status.memory_bytes},
          {"tasks", status.tasks},
          {"descriptors", status.descriptors},
          {"permissions", json::Encode(status.permissions)},
          {"not_granted", json::Encode(status.not_granted)},
          {"warnings", json::Encode(status.warnings)},
          {"types", json::Encode(status.types)},
          {"services", json::Encode(status.services)}};
}

/// The checks of one plugin, or null.
boost::json::value HealthOf(plugin::Plugins& plugins, std::string_view name) {
  for (auto const& [plugin, text] : plugins.Health()) {
    if (plugin != name) continue;
    auto const health = json::ParseValue(text);
    return health ? *health : boost::json::value(nullptr);
  }
  return nullptr;
}

/// Runs `function` with the plugin that the payload names.
template <class Function>
engine::Answer WithPlugin(std::string_view payload, Function function) {
  auto const argument = json::Parse<NameArgument>(payload);
  if (!argument || argument->name.empty())
    return api::Refuse(400, "the name of a plugin is missing: {\"name\":\"…\"}");
  return api::ToAnswer(function(argument->name));
}

boost::json::array ConfigJson(std::vector<plugin::ConfigKey> const& keys) {
  boost::json::array list;
  for (auto const& key : keys) {
    list.push_back({{"key", key.key},
                    {"value", key.value},
                    {"default", key.standard},
                    {"allowed", key.allowed},
                    {"description", key.description}});
  }
  return list;
}

boost::json::array ProvidersOf(plugin::Plugins const& plugins, std::string_view name) {
  boost::json::array list;
  for (auto const* kind : {"features", "pools", "gpu", "health", "info", "perf", "consumption",
                           "capacity", "metrics"}) {
    for (auto const& provider : plugins.Providers(kind)) {
      if (provider.plugin == name)
        list.push_back({{"kind", provider.kind}, {"name", provider.name}});
    }
  }
  return list;
}

}  // namespace

boost::json::array Node::PluginsJson() const {
  boost::json::array list;
  for (auto const& status : plugins_->Status())
    list.push_back(StatusJson(status));
  return list;
}

engine::Answer Node::PluginInfo(std::string_view payload) {
  return WithPlugin(payload, [this](std::string const& name) -> Result<std::string> {
    for (auto const& status : plugins_->Status()) {
      if (status.name != name) continue;
      auto info = StatusJson(status);
      info["config"] = ConfigJson(plugins_->ConfigKeysOf(status.name));
      info["migrated_config"] = plugins_->MigratedConfigOf(status.name);
      info["health"] = HealthOf(*plugins_, status.name);
      info["providers"] = ProvidersOf(*plugins_, status.name);
      return boost::json::serialize(info);
    }
    return Fail(Code::kNotFound, "no plugin '{}'", name);
  });
}

void Node::AddPluginCommands() {
  using api::Auth;
  using api::Caller;
  router_->Add("local.plugin.list", Auth::kLocal,
               [this](Caller const&, std::string_view) -> engine::Answer {
                 return boost::json::serialize(PluginsJson());
               });
  router_->Add("local.plugin.info", Auth::kLocal,
               [this](Caller const&, std::string_view payload) { return PluginInfo(payload); });
  router_->Add("local.plugin.restart", Auth::kLocal,
               [this](Caller const&, std::string_view payload) {
                 return WithPlugin(payload, [this](std::string const& name) -> Result<std::string> {
                   TRELLIS_CHECK(plugins_->Restart(name));
                   return std::string("null");
                 });
               });
  router_->Add("local.plugin.reload", Auth::kLocal,
               [this](Caller const&, std::string_view payload) {
                 return WithPlugin(payload, [this](std::string const& name) -> Result<std::string> {
                   TRELLIS_TRY(auto const done, plugins_->Reload(name));
                   return boost::json::serialize(
                       boost::json::object{{"name", name},
                                           {"from", done.from},
                                           {"to", done.to},
                                           {"warnings", json::Encode(done.warnings)}});
                 });
               });
  router_->Add("local.plugin.logs", Auth::kLocal, [this](Caller const&, std::string_view payload) {
    return WithPlugin(payload, [this](std::string const& plugin) -> Result<std::string> {
      TRELLIS_TRY(auto const lines, plugins_->LastLines(plugin));
      return boost::json::serialize(boost::json::object{{"lines", json::Encode(lines)}});
    });
  });
}

}  // namespace trellis::node
