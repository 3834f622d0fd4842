// Making a new grid: keys, ledger, configuration.
#pragma once

#include "tools/cli/app.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace trellis::cli {

struct InitOptions {
  std::string dir;
  std::string listen = "127.0.0.1";  ///< address of relay, chain endpoint and HTTP service
  std::uint16_t relay_port = 0;      ///< 0 = one that is free now, chosen once; the others too
  std::uint16_t chain_port = 0;
  std::uint16_t http_port = 0;
  std::string node_seed;          ///< 0x-hex, "" = random
  std::string twins;              ///< file to import, "" = none; only into an embedded ledger
  std::vector<std::string> etcd;  ///< members that keep the ledger; none = embedded
  std::string etcd_prefix = "/trellis/1/";
  std::vector<std::string> chain;  ///< nodes of the chain that is the ledger; none = embedded
  std::uint32_t farm = 0;          ///< farm to join, 0 = a new one
};

/// Makes the folder with everything in it. kExists when there is a grid; a half-made one is
/// completed by nothing: the configuration is written last.
Result<json::Value> InitGrid(InitOptions options);

}  // namespace trellis::cli
