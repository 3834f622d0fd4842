// A node without a network: the real engine over a real store, with fake plugins, ledger and clock.
#pragma once

#include "kernel/crypto/keys.hpp"
#include "kernel/engine/engine.hpp"
#include "kernel/grid/deployment.hpp"
#include "tests/support/engine/fake_ledger.hpp"
#include "tests/support/engine/fake_plugins.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace trellis::engine {

/// One workload of a test's document.
struct Item {
  std::string name;
  std::string type = "fake";
  std::uint32_t version = 0;
  std::string data = "{}";
};

class EngineWorld : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kTwin = 7;
  static constexpr std::uint32_t kOtherTwin = 8;
  static constexpr std::uint64_t kContract = 100;

  EngineWorld();
  ~EngineWorld() override;

  // ---- the daemon's life ----
  void Start();
  /// As SIGTERM.
  void Stop();
  /// As SIGKILL, as far as the store can tell: what runs is cut short, nothing says goodbye.
  void Kill();
  void Restart() {
    Stop();
    Start();
  }
  void KillAndStart() {
    Kill();
    Start();
  }
  /// The machine too: nothing that plugins made is there any more.
  void Reboot();

  // ---- documents ----
  grid::Deployment ADocument(std::uint64_t contract, std::uint32_t version,
                             std::vector<Item> const& items, std::uint32_t twin = kTwin);
  /// Signs, and lets the contract carry the hash.
  std::string Agreed(grid::Deployment document);
  /// Signs only.
  std::string Signed(grid::Deployment document);
  Answer Deploy(std::uint64_t contract, std::vector<Item> const& items, std::uint32_t twin = kTwin);
  Answer Update(std::uint64_t contract, std::uint32_t version, std::vector<Item> const& items,
                std::uint32_t twin = kTwin);
  /// As the ledger has it, the grace period of the contract begins or ends.
  void BeginGrace(std::uint64_t contract = kContract);
  void EndGrace(std::uint64_t contract = kContract);
  void DeployAndSettle(std::vector<Item> const& items) {
    ASSERT_TRUE(Deploy(kContract, items));
    Settle();
  }

  // ---- waiting ----
  /// Until `ready`; looks again whenever something happened, and now and then.
  void Until(std::function<bool()> const& ready, std::string const& what);
  /// Until nothing is queued, running or parked.
  void Settle();
  /// Until the deployment has so many parked or queued jobs and none runs.
  void UntilParked(std::uint64_t contract = kContract);
  /// Until the deployment's first job is parked after so many tries.
  void UntilTried(std::uint32_t tries, std::uint64_t contract = kContract);
  void Pass(std::chrono::seconds time) { clock_.Advance(time); }

  // ---- looking ----
  /// What the caller sees: `null`, or `409 exists`.
  static std::string Said(Answer const& answer) {
    return answer ? *answer : fmt::format("{} {}", answer.error().code, answer.error().message);
  }
  /// `vm:ok:0`, … in document order, as `get` shows them.
  std::vector<std::string> Shown(std::uint64_t contract = kContract, std::uint32_t twin = kTwin);
  /// `vm:0:init`, … as `changes` shows them.
  std::vector<std::string> History(std::uint64_t contract = kContract);
  std::string MessageOf(std::string const& name, std::uint64_t contract = kContract);
  std::optional<store::WorkloadRow> Row(std::string const& name,
                                        std::uint64_t contract = kContract);
  std::string Document(std::uint64_t contract = kContract);  ///< the last one accepted
  std::optional<store::DeploymentRow> Stored(std::uint64_t contract = kContract);
  std::vector<store::JobRow> Jobs(std::uint64_t contract = kContract);
  std::vector<std::string> Held();  ///< ids in the plugins' inventory
  /// After what the node reports about itself is out of the way.
  void QuietDown();
  [[nodiscard]] std::uint64_t Syncs() const { return writer_->counters().commits; }
  template <class Read>
  auto Look(Read read) {
    return readers_->Run(read).value();
  }

  testing::TempDir dir_ = testing::TempDir::InMemory();
  testing::FakeClock clock_;
  testing::FakePlugins plugins_;
  testing::FakeLedger ledger_;
  EngineOptions options_;
  store::WriterOptions writer_options_{std::chrono::seconds(10)};
  std::unique_ptr<store::Writer> writer_;
  std::unique_ptr<store::Readers> readers_;
  std::unique_ptr<KernelServicesOverStore> services_;
  std::unique_ptr<Engine> engine_;

 private:
  void OpenStore();
  void WriteBootId(std::string const& id);
  void SetContractState(std::uint64_t contract, ledger::ContractState state);
  [[nodiscard]] crypto::Signer SignerOf(std::uint32_t twin) const;

  std::mutex mutex_;  // guards happened_
  std::condition_variable changed_;
  std::uint64_t happened_ = 0;
  int boots_ = 0;
};

}  // namespace trellis::engine
