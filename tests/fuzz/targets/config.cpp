// The daemon's configuration file.
#include "kernel/node/config.hpp"

#include "tests/fuzz/target.hpp"

namespace trellis::fuzz::config {

void Run(std::string_view input);

void Run(std::string_view input) {
  auto const config = node::ParseConfig(input, {"/etc/trellis/trellis.toml"});
  if (!config) {
    Require(!config.error().message.empty(), "a refusal says why");
    return;
  }
  Require(config->node_id != 0 && !config->seed_file.empty(), "what has no default is there");
  Require(config->engine.workers > 0, "somebody works");
  Require(config->state_dir.is_absolute() && config->store_path.is_absolute(),
          "paths are absolute");
}

}  // namespace trellis::fuzz::config
