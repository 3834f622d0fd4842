// What authors do with a plugin's files: manifest, keys, signature, and the checks of a node.
#pragma once

#include "tools/cli/app.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace trellis::cli {

/// Writes `<name>.manifest.json` beside each file. The plugin's code runs in a process of its own.
Result<void> PackPlugins(App const& app, std::vector<std::string> const& files);

struct KeygenOptions {
  std::string file;         ///< the secret half; the public one is `<file>.pub`
  std::string names = "*";  ///< glob of the plugins that it may sign
  std::string comment;
};
/// kExists when there is a key.
Result<void> MakeSigningKey(App const& app, KeygenOptions const& options);

/// Writes `<name>.manifest.json.sig` beside each manifest; plugin files stand for their manifests.
Result<void> SignPlugins(App const& app, std::string const& key,
                         std::vector<std::string> const& files);

struct CheckOptions {
  std::string file;
  std::string trust_dir;  ///< "" = the grid's
  bool dev = false;       ///< owners and signatures may be missing
};
/// The nine checks that a node makes before it runs a plugin, each told.
Result<void> CheckPlugin(App const& app, CheckOptions const& options);

}  // namespace trellis::cli
