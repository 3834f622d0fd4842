// plugin …: the files of plugins, and the plugins of a node.
#include "tools/cli/app.hpp"
#include "tools/cli/plugin_node.hpp"
#include "tools/cli/plugin_pack.hpp"
#include "tools/cli/plugin_try.hpp"

namespace trellis::cli {
namespace {

void AddPack(CLI::App& plugin, App& app) {
  auto* const pack = plugin.add_subcommand("pack", "write the manifest of a plugin from its code");
  auto files = std::make_shared<std::vector<std::string>>();
  pack->add_option("file", *files, "<name>.trellis.so")->required();
  app.On(pack, [&app, files] { return PackPlugins(app, *files); });
}

void AddKeygen(CLI::App& plugin, App& app) {
  auto* const keygen = plugin.add_subcommand("keygen", "make a key that signs plugins");
  auto options = std::make_shared<KeygenOptions>();
  keygen->add_option("file", options->file, "for the secret half; the public one is <file>.pub")
      ->required();
  keygen->add_option("--names", options->names, "pattern of the plugins it may sign (default: *)");
  keygen->add_option("--comment", options->comment, "whose key it is");
  app.On(keygen, [&app, options] { return MakeSigningKey(app, *options); });
}

void AddSign(CLI::App& plugin, App& app) {
  auto* const sign = plugin.add_subcommand("sign", "sign the manifests of plugins");
  auto key = std::make_shared<std::string>();
  auto files = std::make_shared<std::vector<std::string>>();
  sign->add_option("key", *key, "file of 'trellis plugin keygen'")->required();
  sign->add_option("file", *files, "<name>.trellis.so or <name>.manifest.json")->required();
  app.On(sign, [&app, key, files] { return SignPlugins(app, *key, *files); });
}

void AddCheck(CLI::App& plugin, App& app) {
  auto* const check =
      plugin.add_subcommand("check", "make a node's checks of a plugin, without a node");
  auto options = std::make_shared<CheckOptions>();
  check->add_option("file", options->file, "<name>.trellis.so")->required();
  check->add_option("--trust", options->trust_dir, "trust store (default: the grid's)");
  check->add_flag("--dev", options->dev, "tolerate what only dev mode allows");
  app.On(check, [&app, options] { return CheckPlugin(app, *options); });
}

void AddInstall(CLI::App& plugin, App& app) {
  auto* const install =
      plugin.add_subcommand("install", "put a plugin with manifest and signature into the grid");
  auto options = std::make_shared<InstallOptions>();
  install->add_option("file", options->file, "<name>.trellis.so")->required();
  install->add_flag("--dev", options->dev, "also an unsigned one; only where dev_mode is on");
  app.On(install, [&app, options] { return InstallPlugin(app, *options); });
}

void AddTry(CLI::App& command, TryOptions& options) {
  command.add_option("file", options.file, "<name>.trellis.so, or the name of one of the grid's")
      ->required();
  command.add_option("--config", options.config, "its configuration, JSON or @FILE");
  command.add_option("--state", options.state,
                     "folder of its state, kept (default: one that is gone afterwards)");
  command.add_option("--grant", options.grants, "a permission that it may have (default: none)");
}

void AddCall(CLI::App& plugin, App& app) {
  auto* const call = plugin.add_subcommand(
      "call", "make one call of a plugin, in a confined process and without a node");
  auto options = std::make_shared<CallOptions>();
  AddTry(*call, *options);
  call->add_option("what", options->words,
                   "OPERATION [TYPE [DATA]] | command NAME [PAYLOAD] | service ID METHOD [BODY]; "
                   "texts may be @FILE")
      ->required();
  call->add_option("--previous", options->previous, "data in effect, JSON or @FILE");
  call->add_option("--handle", options->handle, "the handle that an earlier call gave back");
  call->add_option("--workload", options->workload, "name of the workload (default: hand)");
  app.On(call, [&app, options] { return CallPlugin(app, *options); });
}

void AddDev(CLI::App& plugin, App& app) {
  auto* const dev = plugin.add_subcommand(
      "dev", "try a plugin without a node, again whenever its file is built anew");
  auto options = std::make_shared<DevOptions>();
  AddTry(*dev, *options);
  dev->add_option("--samples", options->samples, "JSON file with valid data of its types");
  dev->add_flag("--once", options->once, "do not wait for a new file");
  app.On(dev, [&app, options] { return DevelopPlugin(app, *options); });
}

void AddNode(CLI::App& plugin, App& app) {
  app.On(plugin.add_subcommand("list", "all plugins and their state"),
         [&app] { return ListPlugins(app); });
  auto const named = [&](char const* word, char const* what,
                         Result<void> (*function)(App const&, std::string const&)) {
    auto name = std::make_shared<std::string>();
    auto* const command = plugin.add_subcommand(word, what);
    command->add_option("name", *name, "name of the plugin")->required();
    app.On(command, [&app, name, function] { return function(app, *name); });
  };
  named("info", "all about one plugin", &ShowPlugin);
  named("restart", "end the plugin's process and start the next one, also after it was given up",
        &RestartPlugin);
  named("reload",
        "take the plugin's file as it is now, without stopping what runs; or stay as before",
        &ReloadPlugin);
  named("logs", "the last lines that the plugin's process wrote to standard error", &PluginLines);
}

}  // namespace

void AddPluginCommands(CLI::App& root, App& app) {
  auto* const plugin =
      root.add_subcommand("plugin", "make, check and look at plugins")->require_subcommand(1);
  AddPluginNew(*plugin, app);
  AddPack(*plugin, app);
  AddKeygen(*plugin, app);
  AddSign(*plugin, app);
  AddCheck(*plugin, app);
  AddInstall(*plugin, app);
  AddCall(*plugin, app);
  AddDev(*plugin, app);
  AddNode(*plugin, app);
}

}  // namespace trellis::cli
