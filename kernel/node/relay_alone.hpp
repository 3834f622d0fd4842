// A relay without a node: the same relay, in a process of its own.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/ledger/ledger.hpp"
#include "kernel/node/config.hpp"
#include "kernel/node/daemon.hpp"
#include "kernel/node/ledger_twins.hpp"
#include "kernel/node/twin_watch.hpp"
#include "kernel/rmb/relay/relay.hpp"

#include <trellis/result.hpp>

#include <functional>
#include <memory>

namespace trellis::node {

class RelayAlone final : public Daemon {
 public:
  /// Listens, and prints where on standard output once it does.
  static Result<std::unique_ptr<Daemon>> Open(NodeConfig const& config);

  void OnShutdown(std::function<void()> /*handler*/) override {}  // only signals stop it
  void Tick() override {}

 private:
  explicit RelayAlone(std::unique_ptr<ledger::Ledger> ledger);

  SystemClock clock_;
  std::unique_ptr<ledger::Ledger> ledger_;
  LedgerTwins directory_;
  rmb::TwinCache twins_;
  rmb::FairPool pool_;
  std::unique_ptr<TwinWatch> watch_;
  std::unique_ptr<rmb::Relay> relay_;
};

}  // namespace trellis::node
