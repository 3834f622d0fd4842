// What the ledger is told, and when.
#include "kernel/engine/outbox.hpp"

#include "tests/support/engine_parts.hpp"
#include "tests/support/ledger_proxy.hpp"

#include <gmock/gmock.h>

#include <future>

namespace trellis::engine {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// Counts traffic as the test says.
class Counting final : public testing::NoPlugins {
 public:
  std::vector<plugin::Provided> Provide(std::string_view kind, std::string_view) override {
    if (kind != "consumption") return {};
    std::lock_guard const lock(mutex);
    return {{"network", "nru", readings}};
  }
  void Say(std::string text) {
    std::lock_guard const lock(mutex);
    readings = std::move(text);
  }
  std::mutex mutex;
  std::string readings = "[]";
};

/// Takes reports only when it is there; tells who waits for one.
class Reachable final : public testing::LedgerProxy {
 public:
  using LedgerProxy::LedgerProxy;
  Result<std::uint64_t> Submit(ledger::Caller const& caller, ledger::Call const& call) override {
    if (away) return Fail(Code::kUnavailable, "the ledger is away");
    auto done = LedgerProxy::Submit(caller, call);
    if (std::holds_alternative<ledger::ReportResources>(call) && !told_.exchange(true))
      told.set_value();
    return done;
  }
  std::atomic<bool> away = false;
  std::promise<void> told;

 private:
  std::atomic<bool> told_ = false;
};

class Reporting : public ::testing::Test {
 protected:
  void SetUp() override {
    contract_ = parts_.AddContract();
    key_ = {parts_.kUser, contract_};
    parts_.AddDeployment(key_);
    parts_.AddWorkload(key_, "vm", "ok", {.cru = 2, .sru = 30, .mru = 40});
    parts_.AddWorkload(key_, "broken", "error", {.cru = 8});
  }
  std::int64_t Rows() {
    auto const now = parts_.clock.UnixSeconds();
    return parts_.Look([now](store::Database& db) { return store::ReadOutboxStats(db, now); }).rows;
  }
  void Report() {
    auto const now = parts_.clock.UnixSeconds();
    parts_.Write([&](store::Database& db) { return store::ReportResources(db, key_, now); });
  }
  void Run() {
    Outbox outbox(parts_.context());
    outbox.RunDue();
  }
  void CloseWindow(Consumption& consumption) {
    ASSERT_TRUE(consumption.Sample());
    ASSERT_TRUE(consumption.CloseWindow());
  }

  Counting plugins_;
  testing::EngineParts parts_{plugins_};
  std::uint64_t contract_ = 0;
  store::DeploymentKey key_;
};

TEST_F(Reporting, TellsWhatTheOkayWorkloadsOfAContractUse) {
  Report();

  Run();

  auto const reported = parts_.ledger->ReportedResources(contract_).value();
  EXPECT_EQ(reported.cru, 2U);
  EXPECT_EQ(reported.sru, 30U);
  EXPECT_EQ(reported.mru, 40U);
}

TEST_F(Reporting, TellsTheNewestOnly) {
  Report();
  parts_.AddWorkload(key_, "second", "paused", {.cru = 1});
  Report();

  EXPECT_EQ(Rows(), 1);
  Run();

  EXPECT_EQ(parts_.ledger->ReportedResources(contract_)->cru, 3U);
}

TEST_F(Reporting, KeepsWhatBecameNewWhileItWasTold) {
  Report();
  auto const now = parts_.clock.UnixSeconds();
  auto const told =
      parts_.Look([now](store::Database& db) { return store::DueOutbox(db, now, 10); });
  Report();

  parts_.Write([&](store::Database& db) { return store::EraseOutbox(db, told.at(0)); });

  EXPECT_EQ(Rows(), 1);
}

TEST_F(Reporting, ForgetsContractsWhoseDeploymentIsGone) {
  Report();
  parts_.Write([&](store::Database& db) { return store::EraseDeployment(db, key_, 0); });

  Run();

  EXPECT_FALSE(parts_.ledger->ReportedResources(contract_));
}

TEST_F(Reporting, DoesNotLetOneRefusedContractHoldUpOthers) {
  ledger::Account account;
  account.bytes.fill(9);
  auto const twin =
      static_cast<std::uint32_t>(parts_.Submit(0, ledger::CreateTwin{.account = account}).value());
  ledger::RegisterNode other;
  other.spec.farm_id = 1;
  ledger::CreateNodeContract call;
  call.node = static_cast<std::uint32_t>(parts_.Submit(twin, other).value());
  call.hash = std::string(32, 'a');
  store::DeploymentKey const foreign{parts_.kUser, parts_.Submit(parts_.kUser, call).value()};
  parts_.AddDeployment(foreign);
  Report();
  auto const now = parts_.clock.UnixSeconds();
  parts_.Write([&](store::Database& db) { return store::ReportResources(db, foreign, now); });

  Outbox outbox(parts_.context());
  outbox.RunDue();

  EXPECT_TRUE(parts_.ledger->ReportedResources(contract_));
  EXPECT_EQ(Rows(), 1) << "the refused one is tried again";
  auto const failed = outbox.counters().failed;
  outbox.RunDue();
  EXPECT_EQ(outbox.counters().failed, failed) << "but not at once";
  parts_.clock.Advance(seconds(1));
  outbox.RunDue();
  EXPECT_EQ(outbox.counters().failed, failed + 1);
}

TEST_F(Reporting, WaitsLongerAndLongerForALedgerThatIsAway) {
  Reachable ledger(*parts_.ledger);
  ledger.away = true;
  parts_.Use(ledger);
  Outbox outbox(parts_.context());
  Report();
  std::vector<std::int64_t> pauses;

  auto last = parts_.clock.MonotonicNs();
  while (pauses.size() < 11) {
    auto const before = outbox.counters().failed;
    auto const next = outbox.RunDue();
    auto const now = parts_.clock.MonotonicNs();
    if (outbox.counters().failed != before) {
      auto const pause = std::chrono::nanoseconds(now - std::exchange(last, now));
      pauses.push_back(std::chrono::duration_cast<seconds>(pause).count());
    }
    parts_.clock.Advance(std::chrono::nanoseconds(next - now));
  }
  ledger.away = false;
  parts_.clock.Advance(minutes(5));
  outbox.RunDue();

  EXPECT_THAT(pauses, ::testing::ElementsAre(0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300));
  EXPECT_TRUE(parts_.ledger->ReportedResources(contract_));
}

TEST_F(Reporting, TellsThatTheNodeIsUp) {
  Outbox outbox(parts_.context());

  outbox.RunDue();
  EXPECT_EQ(outbox.counters().sent, 1U);
  parts_.clock.Advance(minutes(39));
  outbox.RunDue();
  EXPECT_EQ(outbox.counters().sent, 1U);
  parts_.clock.Advance(minutes(1));
  outbox.RunDue();
  EXPECT_EQ(outbox.counters().sent, 2U);
}

TEST_F(Reporting, ReportsWithoutBeingAsked) {
  Reachable ledger(*parts_.ledger);
  parts_.Use(ledger);
  Outbox outbox(parts_.context());
  outbox.Start();
  Report();
  parts_.events.Publish({});  // somebody announces what became okay

  auto told = ledger.told.get_future();
  while (told.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready)
    parts_.clock.Advance(seconds(1));

  EXPECT_TRUE(parts_.ledger->ReportedResources(contract_));
}

TEST_F(Reporting, BillsTheTrafficOfAWindowOnce) {
  Consumption consumption(parts_.context());
  auto const id = fmt::format("{}-{}-vm", key_.twin, key_.contract);
  plugins_.Say(fmt::format(R"([{{"id":"{}","metric":"nru","total":1000}}])", id));
  CloseWindow(consumption);  // the first window begins
  parts_.clock.Advance(minutes(59));
  CloseWindow(consumption);
  EXPECT_EQ(Rows(), 0);
  plugins_.Say(fmt::format(R"([{{"id":"{}","metric":"nru","total":1500}}])", id));
  parts_.clock.Advance(minutes(1));

  CloseWindow(consumption);
  CloseWindow(consumption);
  EXPECT_EQ(Rows(), 1);
  auto const now = parts_.clock.UnixSeconds();
  auto const row =
      parts_.Look([now](store::Database& db) { return store::DueOutbox(db, now, 10); }).at(0);
  EXPECT_EQ(row.nru, 1500U);
  EXPECT_EQ(row.window, 3600);
  Run();
  parts_.Write([&](store::Database& db) { return store::AddOutbox(db, row); });  // sent, not erased
  Run();

  EXPECT_EQ(parts_.ledger->ReportedNru(contract_).value(), 1500U);
}

TEST_F(Reporting, CountsOnWhenACounterBeginsAnew) {
  Consumption consumption(parts_.context());
  auto const id = fmt::format("{}-{}-vm", key_.twin, key_.contract);
  auto const read = [&](std::uint64_t total) {
    plugins_.Say(fmt::format(R"([{{"id":"{}","metric":"nru","total":{}}}])", id, total));
    CloseWindow(consumption);
  };
  read(100);
  read(150);
  read(30);  // the machine was restarted
  parts_.clock.Advance(minutes(60));
  read(35);
  Run();

  EXPECT_EQ(parts_.ledger->ReportedNru(contract_).value(), 185U);
}

TEST_F(Reporting, DoesNotReportAContractWithoutTraffic) {
  Consumption consumption(parts_.context());
  plugins_.Say(
      fmt::format(R"([{{"id":"{}-{}-vm","metric":"nru","total":0}}])", key_.twin, key_.contract));
  CloseWindow(consumption);
  parts_.clock.Advance(minutes(60));

  CloseWindow(consumption);

  EXPECT_EQ(Rows(), 0);
}

TEST_F(Reporting, TellsTheLastTrafficOfARemovedWorkload) {
  Consumption consumption(parts_.context());
  plugins_.Say(
      fmt::format(R"([{{"id":"{}-{}-vm","metric":"nru","total":70}}])", key_.twin, key_.contract));
  CloseWindow(consumption);
  plugins_.Say("[]");
  parts_.Write([&](store::Database& db) { return store::EraseWorkload(db, key_, "vm"); });
  parts_.clock.Advance(minutes(60));
  CloseWindow(consumption);
  Run();

  EXPECT_EQ(parts_.ledger->ReportedNru(contract_).value(), 70U);
  EXPECT_TRUE(
      parts_.Look([](store::Database& db) { return store::ListCounters(db, "nru"); }).empty());
}

}  // namespace
}  // namespace trellis::engine
