// A node's store and ledger around parts of the engine, without the engine: tests call the parts.
// The grid: farmer (twin 1) with farm 1, the node (id 1, twin 2), a user (twin 3).
#pragma once

#include "kernel/engine/capacity.hpp"
#include "kernel/engine/context.hpp"
#include "kernel/engine/signers.hpp"
#include "kernel/ledger/embedded/embedded_ledger.hpp"
#include "kernel/store/schema.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/no_plugins.hpp"
#include "tests/support/store_rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace trellis::testing {

class EngineParts {
 public:
  static constexpr std::uint32_t kFarmer = 1;
  static constexpr std::uint32_t kNodeTwin = 2;
  static constexpr std::uint32_t kUser = 3;
  static constexpr std::uint32_t kNode = 1;

  /// `plugins` is borrowed.
  explicit EngineParts(plugin::Plugins& plugins) : plugins_(plugins) {
    auto database =
        store::Database::Open(dir_ / "trellis.db", store::Database::Mode::kReadWrite).value();
    EXPECT_TRUE(store::Migrate(*database));
    writer = store::Writer::Start(std::move(database), "store");
    readers = std::make_unique<store::Readers>(dir_ / "trellis.db");
    ledger::EmbeddedOptions ledger_options;
    ledger_options.clock = &clock;
    ledger = ledger::EmbeddedLedger::Open(dir_ / "ledger.db", ledger_options).value();
    for (std::uint8_t twin = 1; twin <= 3; ++twin) {
      ledger::Account account;
      account.bytes.fill(twin);
      EXPECT_TRUE(Submit(0, ledger::CreateTwin{.account = account}));
    }
    EXPECT_TRUE(ledger->Submit({.twin = kFarmer, .admin = true},
                               ledger::CreateFarm{.name = "farm", .twin = kFarmer}));
    ledger::RegisterNode node;
    node.spec.farm_id = 1;
    EXPECT_EQ(Submit(kNodeTwin, node).value_or(0), kNode);
    options.node_id = kNode;
    options.node_twin = kNodeTwin;
  }

  Result<std::uint64_t> Submit(std::uint32_t twin, ledger::Call const& call) {
    return ledger->Submit({.twin = twin}, call);
  }
  Result<std::uint64_t> SubmitAsAdmin(ledger::Call const& call) {
    return ledger->Submit({.twin = kFarmer, .admin = true}, call);
  }
  /// A new contract of the user.
  std::uint64_t AddContract() {
    ledger::CreateNodeContract call;
    call.node = kNode;
    call.hash = fmt::format("{:032x}", ++hashes_);
    return Submit(kUser, call).value_or(0);
  }

  /// Runs `work` in a commit of its own.
  void Write(store::Writer::Work work) {
    auto const done = writer->Commit(std::move(work));
    EXPECT_TRUE(done) << done.error().message;
  }
  template <class Read>
  auto Look(Read read) {
    return readers->Run(read).value();
  }

  void AddDeployment(store::DeploymentKey key) {
    store::DeploymentRow row;
    row.key = key;
    row.created = clock.UnixSeconds();
    Write([&](store::Database& db) { return store::PutDeployment(db, row); });
  }
  /// A workload in the state, owned and applied when it is or was okay.
  void AddWorkload(store::DeploymentKey key, std::string name, std::string state = "ok",
                   Capacity const& reserved = {}) {
    store::WorkloadRow row;
    row.key = key;
    row.name = std::move(name);
    row.type = "disk";
    row.state = std::move(state);
    row.created = clock.UnixSeconds();
    row.data = "{}";
    row.owned = true;
    if (row.IsOkay()) row.eff_version = 0;
    Write([&](store::Database& db) -> Result<void> {
      TRELLIS_CHECK(store::PutWorkload(db, row));
      return store::PutReservation(db, key, row.name, reserved);
    });
  }

  /// Instead of the embedded ledger; before context().
  void Use(ledger::Ledger& other) { used_ledger_ = &other; }

  engine::Context& context() {
    if (context_ == nullptr) {
      types_ = std::make_unique<engine::TypeTable>(plugins_);
      scheduler_ = std::make_unique<engine::Scheduler>(
          clock, engine::SchedulerOptions{.workers = options.workers});
      capacity_ = std::make_unique<engine::CapacityMeter>(plugins_, clock, options.reserve_memory);
      auto& used = used_ledger_ != nullptr ? *used_ledger_ : *ledger;
      signers_ = std::make_unique<engine::Signers>(used, clock);
      context_ = std::make_unique<engine::Context>(
          engine::Context{options, *writer, *readers, plugins_, used, clock, events, *scheduler_,
                          *types_, meters_, *capacity_, *signers_, /*generation=*/1});
    }
    return *context_;
  }

 private:
  testing::TempDir dir_ = testing::TempDir::InMemory();
  plugin::Plugins& plugins_;
  unsigned hashes_ = 0;
  ledger::Ledger* used_ledger_ = nullptr;

 public:
  FakeClock clock;
  engine::EngineOptions options;
  engine::EventBus events;
  std::unique_ptr<store::Writer> writer;
  std::unique_ptr<store::Readers> readers;
  std::unique_ptr<ledger::EmbeddedLedger> ledger;

 private:
  engine::Meters meters_;
  std::unique_ptr<engine::TypeTable> types_;
  std::unique_ptr<engine::Scheduler> scheduler_;
  std::unique_ptr<engine::CapacityMeter> capacity_;
  std::unique_ptr<engine::Signers> signers_;
  std::unique_ptr<engine::Context> context_;
};

}  // namespace trellis::testing
