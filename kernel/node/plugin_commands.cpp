// local.plugin.*: looking at plugins and starting them again.
#include "kernel/node/node.hpp"

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

boost::json::array ProvidersOf(plugin::Plugins const& plugins, std::string_view name) {
  boost::json::array list;
  for (auto const* kind :
       {"features", "pools", "gpu", "health", "info", "perf", "consumption", "capacity"}) {
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
  auto const argument = json::Parse<NameArgument>(payload);
  if (!argument) return api::Refuse(400, "the name of a plugin is missing: {\"name\":\"…\"}");
  for (auto const& status : plugins_->Status()) {
    if (status.name != argument->name) continue;
    auto info = StatusJson(status);
    info["health"] = HealthOf(*plugins_, status.name);
    info["providers"] = ProvidersOf(*plugins_, status.name);
    return boost::json::serialize(info);
  }
  return api::Refuse(404, fmt::format("no plugin '{}'", argument->name));
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
}

}  // namespace trellis::node
