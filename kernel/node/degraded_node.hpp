// What is left of a node whose store cannot be used.
#pragma once

#include "kernel/api/control.hpp"
#include "kernel/api/http.hpp"
#include "kernel/api/router.hpp"
#include "kernel/base/clock.hpp"
#include "kernel/engine/events.hpp"
#include "kernel/ledger/open.hpp"
#include "kernel/node/bus.hpp"
#include "kernel/node/daemon.hpp"
#include "kernel/plugin/no_plugins.hpp"

#include <memory>
#include <string>

namespace trellis::node {

/// Answers that the node is not healthy, and 503 with the reason to everything else. It loads no
/// plugin and writes nothing to the store.
class DegradedNode final : public Daemon {
 public:
  static Result<std::unique_ptr<Daemon>> Open(Ground ground, std::string why);
  ~DegradedNode() override;

  void OnShutdown(std::function<void()> handler) override { on_shutdown_ = std::move(handler); }
  void Tick() override {
    if (bus_ != nullptr) bus_->Tick();
  }

 private:
  DegradedNode(Ground ground, std::string why);
  void AddCommands();
  Result<void> OpenApi();
  [[nodiscard]] std::string Status() const;

  Ground ground_;
  std::string why_;
  SystemClock clock_;
  std::int64_t started_unix_ = 0;
  plugin::NoPlugins plugins_;
  engine::EventBus events_;
  ledger::OpenedLedger ledger_;  // empty when it cannot be opened either
  std::unique_ptr<api::Router> router_;
  std::unique_ptr<Bus> bus_;
  std::unique_ptr<api::HttpServer> http_;
  std::unique_ptr<api::ControlServer> control_;
  std::function<void()> on_shutdown_;
};

}  // namespace trellis::node
