#include "tools/cli/plugin_node.hpp"

#include "tools/cli/control_client.hpp"
#include "tools/cli/grid_dir.hpp"

#include <fmt/format.h>

namespace trellis::cli {
namespace {

Result<json::Value> Ask(App const& app, char const* command, std::string const& name) {
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  TRELLIS_TRY(auto control, ControlClient::Connect(grid.control_socket()));
  return control.Call(command, name.empty() ? json::Value(nullptr)
                                            : json::Value(boost::json::object{{"name", name}}));
}

std::string_view TextAt(json::Value const& plugin, std::string_view key) {
  return plugin.at(key).as_string();
}

}  // namespace

Result<void> ListPlugins(App const& app) {
  TRELLIS_TRY(auto const list, Ask(app, "local.plugin.list", ""));
  auto text = fmt::format("{:<12} {:<9} {:<9} {:<38} {}\n", "plugin", "version", "state", "types",
                          "reason");
  for (auto const& plugin : list.as_array()) {
    std::string types;
    for (auto const& type : plugin.at("types").as_array())
      types += (types.empty() ? "" : ",") + std::string(type.as_string());
    auto const* dev = plugin.as_object().if_contains("dev");
    text += fmt::format("{:<12} {:<9} {:<9} {:<38} {}{}\n", TextAt(plugin, "name"),
                        TextAt(plugin, "version"), TextAt(plugin, "state"), types,
                        dev != nullptr && dev->as_bool() ? "DEV " : "", TextAt(plugin, "reason"));
  }
  app.Print(list, text);
  return {};
}

/// One line for each key that the plugin's schema names.
std::string ConfigText(boost::json::value const& keys) {
  std::string text;
  for (auto const& key : keys.as_array()) {
    auto const shown = [&](char const* what) { return boost::json::serialize(key.at(what)); };
    auto const about = TextAt(key, "description");
    text += fmt::format("{:<11} {} = {} (default {}; {}){}{}\n", "config", TextAt(key, "key"),
                        shown("value"), shown("default"), TextAt(key, "allowed"),
                        about.empty() ? "" : ": ", about);
  }
  return text;
}

Result<void> ShowPlugin(App const& app, std::string const& name) {
  TRELLIS_TRY(auto const info, Ask(app, "local.plugin.info", name));
  std::string text;
  for (auto const& [key, value] : info.as_object()) {
    if (key == "config" && value.is_array()) {
      text += ConfigText(value);
      continue;
    }
    auto const shown =
        value.is_string() ? std::string(value.as_string()) : boost::json::serialize(value);
    text += fmt::format("{:<11} {}\n", std::string_view(key), shown);
  }
  app.Print(info, text);
  return {};
}

Result<void> RestartPlugin(App const& app, std::string const& name) {
  TRELLIS_CHECK(Ask(app, "local.plugin.restart", name));
  app.Print(boost::json::object{{"restarted", name}}, name + " runs again");
  return {};
}

Result<void> ReloadPlugin(App const& app, std::string const& name) {
  TRELLIS_TRY(auto const done, Ask(app, "local.plugin.reload", name));
  auto const from = TextAt(done, "from");
  auto text = from.empty()
                  ? fmt::format("{} {} runs", name, TextAt(done, "to"))
                  : fmt::format("{}: {} took over from {}", name, TextAt(done, "to"), from);
  for (auto const& warning : done.at("warnings").as_array())
    text += "\nwarning: " + std::string(warning.as_string());
  app.Print(done, text);
  return {};
}

Result<void> PluginLines(App const& app, std::string const& name) {
  TRELLIS_TRY(auto const answer, Ask(app, "local.plugin.logs", name));
  std::string text;
  for (auto const& line : answer.at("lines").as_array())
    text += std::string(line.as_string()) + "\n";
  app.Print(answer, text);
  return {};
}

}  // namespace trellis::cli
