// The message bus of the node: the embedded relay, the node's own peer on it, and the way from a
// request to the router.
#pragma once

#include "kernel/api/router.hpp"
#include "kernel/base/clock.hpp"
#include "kernel/engine/engine.hpp"
#include "kernel/ledger/ledger.hpp"
#include "kernel/node/config.hpp"
#include "kernel/node/key_file.hpp"

#include <trellis/result.hpp>

#include <functional>
#include <memory>
#include <string>

namespace trellis::node {

class Bus {
 public:
  /// What the bus stands on; all must outlive it.
  struct Parts {
    NodeConfig const& config;
    NodeKey const& key;
    ledger::Ledger& ledger;
    engine::Engine* engine =
        nullptr;  ///< tells of changed twins; null: they are read again now and then
    api::Router& router;
    Clock const& clock;
  };

  /// Listens, publishes the node's relay and encryption key on the ledger when they differ (later,
  /// when the ledger is away), connects the peer.
  static Result<std::unique_ptr<Bus>> Start(Parts const& parts);
  ~Bus();
  Bus(Bus const&) = delete;
  Bus& operator=(Bus const&) = delete;

  /// Publishes what a ledger that was away has not been told yet.
  void Tick();

  /// `ws[s]://host:port` of the embedded relay as really bound, else the first of the others.
  [[nodiscard]] std::string const& relay_url() const { return relay_url_; }

 private:
  struct Running;
  explicit Bus(std::unique_ptr<Running> running);
  Result<void> Open(Parts const& parts);
  Result<void> StartRelay(Parts const& parts);
  Result<void> StartPeer(Parts const& parts);
  Result<void> Tell();

  std::unique_ptr<Running> running_;
  std::string relay_url_;
  std::function<Result<void>()> publish_;  // empty once it was done
};

}  // namespace trellis::node
