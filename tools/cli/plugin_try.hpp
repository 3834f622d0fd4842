// A plugin tried by hand: one call, or the same ones after each build.
#pragma once

#include "tools/cli/app.hpp"

#include <string>
#include <vector>

namespace trellis::cli {

/// What both commands say about the process that the plugin gets.
struct TryOptions {
  std::string file;  ///< or the name of a plugin of the grid
  std::string config = "{}";
  std::string state;  ///< "" = a folder that is gone afterwards
  std::vector<std::string> grants;
};

struct CallOptions : TryOptions {
  std::vector<std::string> words;  ///< OPERATION [TYPE] [DATA], command NAME [PAYLOAD], service …
  std::string previous;
  std::string handle;
  std::string workload = "hand";
};
/// Prints what the plugin answered; its refusal is the error.
Result<void> CallPlugin(App const& app, CallOptions const& options);

struct DevOptions : TryOptions {
  std::string samples;  ///< JSON file with `config` and valid data of types; "" = none
  bool once = false;
};
/// Starts the plugin, drives each type with its sample, and again whenever the file changes, until
/// it is interrupted. With `once` the first failure is the error.
Result<void> DevelopPlugin(App const& app, DevOptions const& options);

}  // namespace trellis::cli
