#include "kernel/api/commands.hpp"

#include <trellis/json.hpp>

#include <set>

namespace trellis::api {
namespace {

struct PerfArgument {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(PerfArgument, (), (name))

/// The lists of all providers of a kind, one after the other.
boost::json::array Merge(plugin::Plugins& plugins, std::string_view kind) {
  boost::json::array merged;
  for (auto const& provided : plugins.Provide(kind, "{}")) {
    auto const list = json::ParseValue(provided.json);
    if (!list || !list->is_array()) continue;
    for (auto const& item : list->as_array())
      merged.push_back(item);
  }
  return merged;
}

std::string Features(plugin::Plugins& plugins) {
  std::set<std::string> names;
  for (auto const& type : plugins.Types()) {
    if (type.available) names.insert(type.name);
  }
  for (auto const& feature : Merge(plugins, "features")) {
    if (feature.is_string()) names.emplace(feature.as_string());
  }
  return json::Dump(std::vector<std::string>(names.begin(), names.end()));
}

std::string Diagnostics(plugin::Plugins& plugins) {
  bool healthy = true;
  boost::json::object modules;
  for (auto const& plugin : plugins.Status()) {
    bool const well = plugin.state == "running" || plugin.state == "disabled";
    healthy = healthy && well;
    boost::json::array objects;
    for (auto const& type : plugin.types)
      objects.push_back({{"name", type}, {"version", plugin.version}});
    modules[plugin.name] = {
        {"status", {{"objects", std::move(objects)}, {"workers", boost::json::array()}}},
        {"error", well ? boost::json::value(nullptr) : boost::json::value(plugin.reason)}};
  }
  return boost::json::serialize(boost::json::object{
      {"system_status_ok", healthy}, {"modules", std::move(modules)}, {"healthy", healthy}});
}

std::string Dmi() {
  return R"({"tooling":{"aggregator":"trellis","decoder":""},"sections":[]})";
}

engine::Answer PerfGet(plugin::Plugins& plugins, std::string_view payload) {
  auto const argument = json::Parse<PerfArgument>(payload);
  if (!argument)
    return Refuse(400, fmt::format("invalid arguments: {}", argument.error().message), "decode");
  for (auto const& provided : plugins.Provide("perf", "{}")) {
    if (provided.name == argument->name) return provided.json;
  }
  return Refuse(404, "result not found");
}

std::string PerfAll(plugin::Plugins& plugins) {
  std::vector<std::string> all;
  for (auto const& provided : plugins.Provide("perf", "{}"))
    all.push_back(provided.json);
  return fmt::format("[{}]", fmt::join(all, ","));
}

}  // namespace

void AddSystemCommands(Router& router, plugin::Plugins& plugins, SystemFacts facts) {
  auto const version =
      boost::json::serialize(boost::json::object{{"zos", facts.version}, {"zinit", ""}});
  auto const fixed = [&router](char const* name, std::string text) {
    router.Add(name, Auth::kAny,
               [text = std::move(text)](Caller const&, std::string_view) -> engine::Answer {
                 return text;
               });
  };
  fixed("zos.system.version", version);
  fixed("rmb.version", boost::json::serialize(boost::json::value(facts.version)));
  fixed("zos.system.dmi", Dmi());
  router.Add(
      "zos.system.node_features_get", Auth::kAny,
      [&plugins](Caller const&, std::string_view) -> engine::Answer { return Features(plugins); });
  router.Add("zos.system.diagnostics", Auth::kAny,
             [&plugins](Caller const&, std::string_view) -> engine::Answer {
               return Diagnostics(plugins);
             });
  router.Add("zos.gpu.list", Auth::kAny,
             [&plugins](Caller const&, std::string_view) -> engine::Answer {
               return boost::json::serialize(Merge(plugins, "gpu"));
             });
  router.Add("zos.storage.pools", Auth::kAny,
             [&plugins](Caller const&, std::string_view) -> engine::Answer {
               return boost::json::serialize(Merge(plugins, "pools"));
             });
  router.Add("zos.perf.get", Auth::kAny, [&plugins](Caller const&, std::string_view payload) {
    return PerfGet(plugins, payload);
  });
  router.Add(
      "zos.perf.get_all", Auth::kAny,
      [&plugins](Caller const&, std::string_view) -> engine::Answer { return PerfAll(plugins); });
  router.Add("zos.location.get", Auth::kAny,
             [location = std::move(facts.location_json)](Caller const&,
                                                         std::string_view) -> engine::Answer {
               if (location.empty())
                 return Refuse(404, "the node's location is not configured: set node.location");
               return location;
             });
}

}  // namespace trellis::api
