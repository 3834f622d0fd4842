// A twin's calls to the node, over the relay, as any grid client makes them.
#pragma once

#include "kernel/rmb/peer.hpp"
#include "tools/cli/control_client.hpp"
#include "tools/cli/grid_dir.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace trellis::cli {

class BusClient {
 public:
  /// Connects the key's twin to the relay of the running daemon. kUnavailable: no daemon.
  static Result<std::unique_ptr<BusClient>> Connect(GridDir const& grid, KeyFile const& key);
  ~BusClient();
  BusClient(BusClient const&) = delete;
  BusClient& operator=(BusClient const&) = delete;

  /// One command to the node. Refusals: the node's sentence.
  Result<json::Value> Call(std::string_view command, std::string_view payload);
  [[nodiscard]] ledger::Ledger& ledger() { return *ledger_; }
  [[nodiscard]] ControlClient& control() { return *control_; }
  [[nodiscard]] LoadedKey const& key() const { return key_; }
  [[nodiscard]] std::uint32_t twin() const { return twin_; }

 private:
  class Twins;
  BusClient(LoadedKey key, std::uint32_t twin, std::uint32_t node_twin,
            std::unique_ptr<ledger::Ledger> ledger, ControlClient control);

  LoadedKey key_;
  std::uint32_t twin_;
  std::uint32_t node_twin_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::optional<ControlClient> control_;
  std::unique_ptr<Twins> twins_;
  std::unique_ptr<rmb::Peer> peer_;
};

}  // namespace trellis::cli
