// The message bus of the node: the embedded relay, the node's own peer on it, and the way from a
// request to the router.
#pragma once

#include "kernel/api/router.hpp"
#include "kernel/ledger/ledger.hpp"
#include "kernel/node/config.hpp"
#include "kernel/node/key_file.hpp"

#include <trellis/result.hpp>

#include <memory>
#include <string>

namespace trellis::node {

class Bus {
 public:
  /// Listens, publishes the node's relay and encryption key on the ledger when they differ,
  /// connects the peer.
  static Result<std::unique_ptr<Bus>> Start(NodeConfig const& config, NodeKey const& key,
                                            ledger::Ledger& ledger, api::Router& router);
  ~Bus();
  Bus(Bus const&) = delete;
  Bus& operator=(Bus const&) = delete;

  /// `ws://host:port` as really bound.
  [[nodiscard]] std::string relay_url() const;

 private:
  struct Parts;
  explicit Bus(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace trellis::node
