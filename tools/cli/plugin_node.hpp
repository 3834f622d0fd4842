// The plugins of a grid's node: put there, looked at, started again.
#pragma once

#include "tools/cli/app.hpp"

#include <string>

namespace trellis::cli {

struct InstallOptions {
  std::string file;
  bool dev = false;  ///< may be unsigned, where the configuration has dev_mode
};
/// Checks the files as a node does and copies them into the plugin folder of the grid.
Result<void> InstallPlugin(App const& app, InstallOptions const& options);

Result<void> ListPlugins(App const& app);
Result<void> ShowPlugin(App const& app, std::string const& name);
Result<void> RestartPlugin(App const& app, std::string const& name);
/// Takes the plugin's file as it is now; the running version goes on when that fails.
Result<void> ReloadPlugin(App const& app, std::string const& name);
Result<void> PluginLines(App const& app, std::string const& name);

}  // namespace trellis::cli
