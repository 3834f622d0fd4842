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
  /// Connects the key's twin to the relay of the running daemon, to talk to node `node` of the
  /// ledger; 0 = the daemon's own. kUnavailable: no daemon. kNotFound: no such node.
  static Result<std::unique_ptr<BusClient>> Connect(GridDir const& grid, KeyFile const& key,
                                                    std::uint32_t node = 0);
  ~BusClient();
  BusClient(BusClient const&) = delete;
  BusClient& operator=(BusClient const&) = delete;

  /// One command to the node. Refusals: the node's sentence.
  Result<json::Value> Call(std::string_view command, std::string_view payload);
  [[nodiscard]] ledger::Ledger& ledger() { return *ledger_; }
  [[nodiscard]] ControlClient& control() { return *control_; }
  [[nodiscard]] LoadedKey const& key() const { return key_; }
  [[nodiscard]] std::uint32_t twin() const { return twin_; }
  /// The node that Call asks.
  [[nodiscard]] std::uint32_t node() const { return node_; }
  [[nodiscard]] std::uint32_t node_twin() const { return node_twin_; }
  /// Is it the one whose control socket control() is?
  [[nodiscard]] bool IsHere() const { return here_; }

 private:
  class Twins;
  BusClient(LoadedKey key, std::uint32_t twin, std::unique_ptr<ledger::Ledger> ledger,
            ControlClient control);

  LoadedKey key_;
  std::uint32_t twin_;
  std::uint32_t node_ = 0;
  std::uint32_t node_twin_ = 0;
  bool here_ = true;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::optional<ControlClient> control_;
  std::unique_ptr<Twins> twins_;
  std::unique_ptr<rmb::Peer> peer_;
};

}  // namespace trellis::cli
