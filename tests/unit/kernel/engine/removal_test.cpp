// How deployments go: nothing may be left, and nothing may be forgotten before it is gone.
#include "kernel/engine/job_state.hpp"
#include "kernel/store/schema.hpp"
#include "tests/support/engine/engine_world.hpp"

namespace trellis::engine {
namespace {

using plugin::Op;
using testing::Fails;
using testing::Gate;
using testing::WaitsAt;

using Texts = std::vector<std::string>;

constexpr store::DeploymentKey kKey{7, 100};

class RemovalTest : public EngineWorld {
 protected:
  RemovalTest() { Start(); }
};

TEST_F(RemovalTest, LeavesNothing) {
  DeployAndSettle({{"d", "zmount", 0, R"({"size":10})"}, {"net", "network"}});
  ASSERT_TRUE(engine_->Remove(kKey, "contract canceled event received"));
  Settle();

  EXPECT_EQ(Shown(), Texts{"deployment not found"});
  EXPECT_EQ(History(), Texts{"deployment not found"});
  EXPECT_TRUE(Held().empty());
  auto const totals = Look([](store::Database& db) { return store::ReadTotals(db); });
  EXPECT_EQ(totals.deployments, 0);
  EXPECT_EQ(totals.okay_workloads, 0);
  EXPECT_EQ(totals.reserved, Capacity{});
}

TEST_F(RemovalTest, FreesItsSharableNames) {
  DeployAndSettle({{"net", "network"}});
  ASSERT_TRUE(engine_->Remove(kKey, "cancelled"));
  Settle();

  EXPECT_EQ(Said(Deploy(kContract + 1, {{"net", "network"}})), "null");
  Settle();
}

TEST_F(RemovalTest, IsRepeatedUntilEverythingIsGone) {
  DeployAndSettle({{"a"}, {"b"}});
  plugins_.Script(Op::kDeprovision, "a",
                  {Fails(TRL_IO, "stuck"), Fails(TRL_INVALID, "stuck"), Fails(TRL_IO, "stuck")});
  ASSERT_TRUE(engine_->Remove(kKey, "cancelled"));
  for (auto const wait : {5, 10, 20}) {
    UntilParked();
    EXPECT_EQ(Shown(), Texts{"a:ok:0"});
    EXPECT_EQ(MessageOf("a"), "stuck");
    EXPECT_EQ(Jobs().front().error, "workload 'a': stuck");
    EXPECT_EQ(Jobs().front().not_before, clock_.UnixSeconds() + wait);
    auto const calls = plugins_.Calls().size();
    Pass(std::chrono::seconds(wait));
    Until([&] { return plugins_.Calls().size() > calls; }, "the next try");
  }
  Settle();

  EXPECT_EQ(Shown(), Texts{"deployment not found"});
  EXPECT_TRUE(Held().empty());
}

TEST_F(RemovalTest, WaitsAtMostFiveMinutesBetweenTries) {
  EXPECT_EQ(Backoff(1, 5, 300), std::chrono::seconds(5));
  EXPECT_EQ(Backoff(7, 5, 300), std::chrono::seconds(300));
  EXPECT_EQ(Backoff(1000, 5, 300), std::chrono::seconds(300));
}

TEST_F(RemovalTest, RefusesEverythingMeanwhile) {
  DeployAndSettle({{"a"}});
  plugins_.Always(Op::kDeprovision, "a", Fails(TRL_IO, "stuck"));
  ASSERT_TRUE(engine_->Remove(kKey, "cancelled"));
  UntilParked();

  EXPECT_EQ(Said(Deploy(kContract, {{"a"}})), "409 exists");
  EXPECT_EQ(Said(Update(kContract, 1, {{"a", "fake", 1}})),
            "404 deployment not found: deployment does not exist");
  BeginGrace();
  EXPECT_EQ(Jobs().size(), 1U);
}

TEST_F(RemovalTest, WhileAnUpdateRunsLeavesNothingOfIt) {
  DeployAndSettle({{"a"}});
  auto const gate = std::make_shared<Gate>();
  plugins_.Script(Op::kProvision, "b", {WaitsAt(gate)});
  ASSERT_TRUE(Update(kContract, 1, {{"a"}, {"b", "fake", 1}, {"c", "fake", 1}}));
  ASSERT_TRUE(gate->WaitEntered());

  ASSERT_TRUE(engine_->Remove(kKey, "cancelled"));
  Settle();

  EXPECT_TRUE(Held().empty());
  EXPECT_EQ(Shown(), Texts{"deployment not found"});
  EXPECT_EQ(plugins_.Created("7-100-c"), 0) << "the update was cut short";
}

TEST_F(RemovalTest, DropsWhatIsQueued) {
  auto const gate = std::make_shared<Gate>();
  plugins_.Script(Op::kProvision, "a", {WaitsAt(gate)});
  ASSERT_TRUE(Deploy(kContract, {{"a"}}));
  ASSERT_TRUE(gate->WaitEntered());
  ASSERT_TRUE(Update(kContract, 1, {{"a"}, {"b", "fake", 1}}));
  ASSERT_TRUE(Update(kContract, 2, {{"a"}, {"b", "fake", 1}, {"c", "fake", 2}}));

  ASSERT_TRUE(engine_->Remove(kKey, "cancelled"));
  Settle();

  EXPECT_EQ(plugins_.CallTexts(), (Texts{"provision a", "deprovision a"}));
}

TEST_F(RemovalTest, OfAQueuedDeploymentNeverStartsIt) {
  options_.workers = 1;
  Restart();
  auto const gate = std::make_shared<Gate>();
  plugins_.Script(Op::kProvision, "slow", {WaitsAt(gate)});
  ASSERT_TRUE(Deploy(kContract + 1, {{"slow"}}));
  ASSERT_TRUE(gate->WaitEntered());
  ASSERT_TRUE(Deploy(kContract, {{"a"}}));

  ASSERT_TRUE(engine_->Remove(kKey, "cancelled"));
  gate->Open();
  Settle();

  EXPECT_EQ(plugins_.CallTexts(), Texts{"provision slow"}) << "nothing was owned";
}

TEST_F(RemovalTest, AskedForThriceHappensOnce) {
  DeployAndSettle({{"a"}});
  auto const gate = std::make_shared<Gate>();
  plugins_.Script(Op::kDeprovision, "a", {WaitsAt(gate)});
  ASSERT_TRUE(engine_->Remove(kKey, "event"));
  ASSERT_TRUE(gate->WaitEntered());
  ASSERT_TRUE(engine_->Remove(kKey, "event"));
  ASSERT_TRUE(engine_->Remove(kKey, "sync"));
  EXPECT_EQ(Jobs().size(), 1U);
  gate->Open();
  Settle();

  EXPECT_EQ(plugins_.CallTexts(), (Texts{"provision a", "deprovision a"}));
}

TEST_F(RemovalTest, OfSomethingUnknownIsNothing) {
  EXPECT_TRUE(engine_->Remove({7, 999}, "event"));
  Settle();
}

TEST_F(RemovalTest, StoresWhatElseBelongsToTheCommit) {
  auto const cursor = [](store::Database& db) { return store::SetMeta(db, "cursor", "5"); };

  EXPECT_TRUE(engine_->Remove({7, 999}, "event", cursor));

  EXPECT_EQ(Look([](store::Database& db) { return store::GetMeta(db, "cursor"); }), "5");
}

TEST_F(RemovalTest, OfANetworkWaitsForItsUsersThatGoToo) {
  ASSERT_TRUE(Deploy(1, {{"net", "network"}}));
  ASSERT_TRUE(Deploy(2, {{"vm", "zmachine", 0, R"({"uses":["net"]})"}}));
  Settle();
  auto const gate = std::make_shared<Gate>();
  plugins_.Script(Op::kDeprovision, "vm", {WaitsAt(gate)});
  plugins_.ForgetCalls();
  ASSERT_TRUE(engine_->Remove({7, 2}, "cancelled"));
  ASSERT_TRUE(gate->WaitEntered());
  ASSERT_TRUE(engine_->Remove({7, 1}, "cancelled"));
  gate->Open();
  Until([&] { return plugins_.Inventory().count("7-2-vm") == 0; }, "the machine is gone");
  Until(
      [&] {
        Pass(std::chrono::seconds(1));  // it looks again a few times a second
        return Held().empty();
      },
      "the network is gone");
  Settle();

  EXPECT_EQ(plugins_.CallTexts(), (Texts{"deprovision vm", "deprovision net"}));
}

TEST_F(RemovalTest, OfANetworkWaitsOnlyAMinute) {
  ASSERT_TRUE(Deploy(1, {{"net", "network"}}));
  ASSERT_TRUE(Deploy(2, {{"vm", "zmachine", 0, R"({"uses":["net"]})"}}));
  Settle();
  plugins_.Always(Op::kDeprovision, "vm", Fails(TRL_IO, "stuck"));
  ASSERT_TRUE(engine_->Remove({7, 2}, "cancelled"));
  UntilParked(2);
  ASSERT_TRUE(engine_->Remove({7, 1}, "cancelled"));
  Until([&] { return engine_->QueueDepth().running == 0; }, "it waits");
  EXPECT_EQ(plugins_.Inventory().count("7-1-net"), 1U);

  Pass(std::chrono::seconds(60));
  Until(
      [&] {
        Pass(std::chrono::seconds(1));  // it looks again a few times a second
        return plugins_.Inventory().count("7-1-net") == 0;
      },
      "the network is gone");
}

TEST_F(RemovalTest, OfANetworkThatOthersKeepUsingGoesOn) {
  ASSERT_TRUE(Deploy(1, {{"net", "network"}}));
  ASSERT_TRUE(Deploy(2, {{"vm", "zmachine", 0, R"({"uses":["net"]})"}}));
  Settle();

  ASSERT_TRUE(engine_->Remove({7, 1}, "cancelled"));
  Settle();

  EXPECT_EQ(Held(), Texts{"7-2-vm"});
}

TEST_F(RemovalTest, GoesOnAfterARestart) {
  DeployAndSettle({{"a"}, {"b"}});
  plugins_.Script(Op::kDeprovision, "a", {Fails(TRL_IO, "stuck")});
  ASSERT_TRUE(engine_->Remove(kKey, "cancelled"));
  UntilParked();

  KillAndStart();
  Pass(std::chrono::seconds(5));
  Settle();

  EXPECT_TRUE(Held().empty());
  EXPECT_EQ(Shown(), Texts{"deployment not found"});
}

TEST_F(RemovalTest, TakesNoMoreSyncsThanADeployment) {
  std::vector<Item> items;
  for (int i = 0; i < 10; ++i)
    items.push_back({fmt::format("w{}", i)});
  DeployAndSettle(items);
  QuietDown();
  // Each report to the ledger is forgotten in a commit of its own, whenever that is.
  auto const own = [this] { return Syncs() - ledger_.reports(); };
  auto const before = own();

  ASSERT_TRUE(engine_->Remove(kKey, "cancelled"));
  Settle();

  EXPECT_LE(own(), before + 3);
}

}  // namespace
}  // namespace trellis::engine
