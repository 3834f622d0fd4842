// The composition root: makes the parts in order, connects them, and takes them down again.
#pragma once

#include "kernel/api/control.hpp"
#include "kernel/api/health.hpp"
#include "kernel/api/http.hpp"
#include "kernel/api/perf.hpp"
#include "kernel/api/router.hpp"
#include "kernel/base/clock.hpp"
#include "kernel/engine/engine.hpp"
#include "kernel/engine/kernel_services.hpp"
#include "kernel/ledger/embedded/embedded_ledger.hpp"
#include "kernel/ledger/facade/facade.hpp"
#include "kernel/ledger/facade/grid_service.hpp"
#include "kernel/ledger/open.hpp"
#include "kernel/node/bus.hpp"
#include "kernel/node/config.hpp"
#include "kernel/node/daemon.hpp"
#include "kernel/node/event_log.hpp"
#include "kernel/node/key_file.hpp"
#include "kernel/plugin/manager.hpp"
#include "kernel/store/readers.hpp"
#include "kernel/store/structure_check.hpp"
#include "kernel/store/writer.hpp"
#include "kernel/sys/files.hpp"

#include <trellis/result.hpp>

#include <atomic>
#include <memory>
#include <string>

namespace trellis::node {

/// The whole daemon but its main loop.
class Node final : public Daemon {
 public:
  /// Everything up to "ready", on an opened store. The error says what to do.
  static Result<std::unique_ptr<Daemon>> Open(Ground ground, std::unique_ptr<store::Damage> damage,
                                              std::unique_ptr<store::Database> database);
  ~Node() override;

  void OnShutdown(std::function<void()> handler) override { on_shutdown_ = std::move(handler); }
  void Tick() override;
  [[nodiscard]] bool exhausted() const override { return exhausted_; }

 private:
  Node(Ground ground, std::unique_ptr<store::Damage> damage);
  Result<void> OpenStores(std::unique_ptr<store::Database> database);
  Result<void> OpenPlugins();
  /// The node's public configuration from the ledger, or as it was read last.
  Result<std::string> LastPublicConfig();
  Result<void> OpenEngine();
  Result<void> OpenApi();
  Result<void> OpenListeners();
  void AddLocalCommands();
  [[nodiscard]] boost::json::value FacadeJson() const;
  void AddPluginCommands();
  [[nodiscard]] boost::json::array PluginsJson() const;
  [[nodiscard]] engine::Answer PluginInfo(std::string_view payload);
  [[nodiscard]] engine::Answer Status(std::string_view payload);
  [[nodiscard]] std::string Metrics();
  [[nodiscard]] engine::Answer Counters();
  [[nodiscard]] engine::Answer ConsoleOf(std::string_view payload, bool logs);
  [[nodiscard]] bool IsFarmer(std::uint32_t twin);
  /// The store turned out to be damaged: from now on the node is degraded.
  void Degrade(std::string const& what);

  NodeConfig config_;
  NodeKey key_;
  sys::LockFile lock_;
  SystemClock clock_;
  std::int64_t started_unix_ = 0;
  std::atomic<bool> exhausted_ = false;
  std::unique_ptr<store::Damage> damage_;
  std::unique_ptr<store::StructureCheck> check_;  // of a large store
  std::unique_ptr<store::Writer> writer_;
  std::unique_ptr<store::Readers> readers_;
  ledger::OpenedLedger ledger_;
  std::unique_ptr<engine::KernelServicesOverStore> services_;
  std::unique_ptr<plugin::Manager> plugins_;
  EventLog event_log_{clock_};  // hears of the engine's events
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<api::Health> health_;
  std::unique_ptr<api::PerfRegistry> perf_;
  std::unique_ptr<api::Router> router_;
  std::unique_ptr<Bus> bus_;
  // What grid clients know belongs to the embedded ledger: null with another one.
  std::unique_ptr<ledger::Facade> facade_;  // null also when the configuration says so
  std::unique_ptr<ledger::GridService> grid_;
  std::unique_ptr<api::HttpServer> http_;
  std::unique_ptr<api::ControlServer> control_;
  std::function<void()> on_shutdown_;
};

}  // namespace trellis::node
