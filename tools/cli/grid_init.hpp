// Making a new grid: keys, ledger, configuration.
#pragma once

#include "tools/cli/app.hpp"

#include <cstdint>
#include <string>

namespace trellis::cli {

struct InitOptions {
  std::string dir;
  std::uint16_t relay_port = 0;  ///< 0 = one that is free now, chosen once; the others too
  std::uint16_t chain_port = 0;
  std::uint16_t http_port = 0;
  std::string node_seed;  ///< 0x-hex, "" = random
  std::string twins;      ///< file to import, "" = none
};

/// Makes the folder with everything in it. kExists when there is a grid; a half-made one is
/// completed by nothing: the configuration is written last.
Result<json::Value> InitGrid(InitOptions options);

}  // namespace trellis::cli
