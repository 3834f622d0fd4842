// What survives the daemon, and what survives the machine.
#include "tests/support/engine/engine_world.hpp"
#include "tests/support/patience.hpp"

namespace trellis::engine {
namespace {

using plugin::Op;
using testing::Fails;
using testing::Gate;
using testing::Hangs;
using testing::WaitsAt;

using Texts = std::vector<std::string>;

constexpr store::DeploymentKey kKey{7, 100};

class RestartTest : public EngineWorld {
 protected:
  RestartTest() { Start(); }

  /// The daemon dies while it is inside this call.
  void DieDuring(Op op, std::string const& name, std::function<void()> const& cause) {
    auto const gate = std::make_shared<Gate>();
    plugins_.Script(op, name, {WaitsAt(gate)});
    cause();
    ASSERT_TRUE(gate->WaitEntered());
    KillAndStart();
  }
  std::vector<store::StepRow> Steps() {
    auto const jobs = Jobs();
    if (jobs.empty()) return {};
    return Look([&](store::Database& db) { return store::ListSteps(db, jobs.front().id); });
  }
};

TEST_F(RestartTest, UndoesAPauseThatWasRevokedMeanwhile) {
  DeployAndSettle({{"vm", "zmachine"}});
  auto const gate = std::make_shared<Gate>();
  plugins_.Script(Op::kPause, "vm", {WaitsAt(gate)});
  BeginGrace();
  ASSERT_TRUE(gate->WaitEntered());
  EndGrace();
  while (Jobs().size() < 2)
    std::this_thread::yield();
  plugins_.ForgetCalls();
  KillAndStart();
  Settle();

  EXPECT_EQ(plugins_.CallTexts(), (Texts{"pause vm", "resume vm"})) << "it may have been paused";
  EXPECT_EQ(Shown(), Texts{"vm:ok:0"});
}

TEST_F(RestartTest, WithNothingChangedTouchesNothing) {
  DeployAndSettle({{"a"}, {"b"}});
  auto const before = History();
  Restart();
  Until([&] { return plugins_.Inspections() >= 2; }, "both were looked at");
  Settle();

  EXPECT_EQ(plugins_.CallTexts(), (Texts{"provision a", "provision b"}));
  EXPECT_EQ(History(), before);
}

TEST_F(RestartTest, RunsAnOpenStepAgainAndNoFinishedOne) {
  DieDuring(Op::kProvision, "b", [&] { (void)Deploy(kContract, {{"a"}, {"b"}, {"c"}}); });
  Settle();

  EXPECT_EQ(plugins_.CallTexts(),
            (Texts{"provision a", "provision b", "provision b", "provision c"}));
  EXPECT_TRUE(plugins_.Calls()[2].request.retry);
  EXPECT_EQ(Shown(), (Texts{"a:ok:0", "b:ok:0", "c:ok:0"}));
  EXPECT_EQ(plugins_.Created("7-100-a"), 1);
}

TEST_F(RestartTest, KeepsQueuedUpdates) {
  auto const gate = std::make_shared<Gate>();
  plugins_.Script(Op::kProvision, "a", {WaitsAt(gate)});
  ASSERT_TRUE(Deploy(kContract, {{"a"}}));
  ASSERT_TRUE(gate->WaitEntered());
  ASSERT_TRUE(Update(kContract, 1, {{"a"}, {"b", "fake", 1}}));
  ASSERT_TRUE(Update(kContract, 2, {{"a"}, {"c", "fake", 2}}));

  Reboot();
  Settle();

  EXPECT_EQ(Shown(), (Texts{"a:ok:0", "c:ok:2"}));
}

TEST_F(RestartTest, CountsACrashForTheStepThatRanAndStopsAtThree) {
  ASSERT_TRUE(Deploy(kContract + 1, {{"other"}}));
  Settle();
  auto const gate = std::make_shared<Gate>();
  plugins_.Always(Op::kProvision, "poison", WaitsAt(gate));
  ASSERT_TRUE(Deploy(kContract, {{"a"}, {"poison"}, {"b"}}));
  for (int crashes = 1; crashes <= 3; ++crashes) {
    ASSERT_TRUE(gate->WaitEntered(crashes));
    KillAndStart();
  }
  Settle();

  EXPECT_EQ(Shown(), (Texts{"a:ok:0", "poison:error:0", "b:ok:0"}));
  EXPECT_EQ(MessageOf("poison"), "operation crashed the node 3 times");
  EXPECT_EQ(Shown(kContract + 1), Texts{"other:ok:0"});
  EXPECT_EQ(plugins_.Created("7-100-a"), 1);
}

TEST_F(RestartTest, CountsNoCrashAfterACleanStop) {
  auto const gate = std::make_shared<Gate>();
  plugins_.Always(Op::kProvision, "slow", WaitsAt(gate));
  ASSERT_TRUE(Deploy(kContract, {{"slow"}}));
  for (int stops = 1; stops <= 4; ++stops) {
    ASSERT_TRUE(gate->WaitEntered(stops));
    Restart();
  }
  gate->Open();
  Settle();

  EXPECT_EQ(Shown(), Texts{"slow:ok:0"});
}

TEST_F(RestartTest, CountsNoCrashAcrossAReboot) {
  auto const gate = std::make_shared<Gate>();
  plugins_.Always(Op::kProvision, "slow", WaitsAt(gate));
  ASSERT_TRUE(Deploy(kContract, {{"slow"}}));
  for (int boots = 1; boots <= 4; ++boots) {
    ASSERT_TRUE(gate->WaitEntered(boots));
    Kill();
    Reboot();
  }
  gate->Open();
  Settle();

  EXPECT_EQ(Shown(), Texts{"slow:ok:0"});
}

TEST_F(RestartTest, WaitsForEachResultOnceAStepCrashed) {
  auto const gate = std::make_shared<Gate>();
  plugins_.Script(Op::kProvision, "c", {WaitsAt(gate)});
  DieDuring(Op::kProvision, "a", [&] { (void)Deploy(kContract, {{"a"}, {"b"}, {"c"}}); });
  ASSERT_TRUE(gate->WaitEntered());

  EXPECT_EQ(Shown(), (Texts{"a:ok:0", "b:ok:0", "c:init:0"}));
  gate->Open();
  Settle();
}

TEST_F(RestartTest, TriesARemovalThatCrashesOnceAnHour) {
  DeployAndSettle({{"a"}, {"poison"}});
  auto const gate = std::make_shared<Gate>();
  plugins_.Always(Op::kDeprovision, "poison", WaitsAt(gate));
  ASSERT_TRUE(engine_->Remove(kKey, "cancelled"));
  for (int crashes = 1; crashes <= 3; ++crashes) {
    ASSERT_TRUE(gate->WaitEntered(crashes));
    KillAndStart();
  }
  UntilParked();
  EXPECT_EQ(Shown(), Texts{"poison:ok:0"});
  EXPECT_EQ(MessageOf("poison"), "operation crashed the node 3 times");
  EXPECT_EQ(Jobs().front().not_before, clock_.UnixSeconds() + 3600);
  EXPECT_EQ(engine_->meters().quarantined, 1U);

  plugins_.Relent(Op::kDeprovision, "poison");
  Pass(std::chrono::hours(1));
  Settle();

  EXPECT_TRUE(Held().empty());
}

TEST_F(RestartTest, TriesWhatCrashedAgainWhenThePluginIsAnotherOne) {
  DeployAndSettle({{"poison"}});
  auto const gate = std::make_shared<Gate>();
  plugins_.Always(Op::kDeprovision, "poison", WaitsAt(gate));
  ASSERT_TRUE(engine_->Remove(kKey, "cancelled"));
  for (int crashes = 1; crashes <= 3; ++crashes) {
    ASSERT_TRUE(gate->WaitEntered(crashes));
    KillAndStart();
  }
  UntilParked();

  plugins_.Relent(Op::kDeprovision, "poison");
  plugins_.SetVersion("1.0.1");
  Restart();
  Settle();

  EXPECT_TRUE(Held().empty());
}

TEST_F(RestartTest, OfTheMachineBringsEverythingBackWithoutTheLedger) {
  ASSERT_TRUE(Deploy(kContract, {{"d", "zmount", 0, R"({"size":10})"}, {"vm", "zmachine"}}));
  ASSERT_TRUE(Deploy(kContract + 1, {{"x"}}));
  Settle();
  auto const before = History();
  ledger_.SetAway(true);

  Reboot();
  Settle();

  EXPECT_EQ(Held(), (Texts{"7-100-d", "7-100-vm", "7-101-x"}));
  EXPECT_EQ(Shown(), (Texts{"d:ok:0", "vm:ok:0"}));
  EXPECT_EQ(History(), before) << "a restore that succeeds tells nothing";
}

TEST_F(RestartTest, OfTheMachineThriceKeepsOneOk) {
  DeployAndSettle({{"a"}, {"b"}});
  for (int i = 0; i < 3; ++i) {
    Reboot();
    Settle();
  }

  EXPECT_EQ(History(), (Texts{"a:0:init", "b:0:init", "a:0:ok", "b:0:ok"}));
}

TEST_F(RestartTest, OfTheMachineRestoresNetworksBeforeTheirUsers) {
  ASSERT_TRUE(Deploy(2, {{"net", "network"}}));
  Settle();
  ASSERT_TRUE(Deploy(1, {{"vm", "zmachine", 0, R"({"uses":["net"]})"}}));
  Settle();
  plugins_.ForgetCalls();

  Reboot();
  Settle();

  EXPECT_EQ(plugins_.CallTexts(), (Texts{"provision net", "provision vm"}));
}

TEST_F(RestartTest, OfTheMachineRestoresDeploymentsThatUseEachOther) {
  ASSERT_TRUE(Deploy(1, {{"net1", "network"}}));
  ASSERT_TRUE(Deploy(2, {{"net2", "network"}, {"vm", "zmachine", 0, R"({"uses":["net1"]})"}}));
  Settle();
  ASSERT_TRUE(Update(1, 1, {{"net1", "network"}, {"vm", "zmachine", 1, R"({"uses":["net2"]})"}}));
  Settle();

  Reboot();
  Settle();

  EXPECT_EQ(Held().size(), 4U);
}

TEST_F(RestartTest, OfTheMachineRunsQueuedJobsAfterTheRestore) {
  DeployAndSettle({{"a", "fake", 0, R"({"text":"one"})"}});
  auto const gate = std::make_shared<Gate>();
  plugins_.Script(Op::kUpdate, "a", {WaitsAt(gate)});
  ASSERT_TRUE(Update(kContract, 1, {{"a", "fake", 1, R"({"text":"two"})"}}));
  ASSERT_TRUE(gate->WaitEntered());
  plugins_.ForgetCalls();

  Reboot();
  Settle();

  EXPECT_EQ(plugins_.CallTexts(), (Texts{"provision a", "update a"}));
  EXPECT_EQ(plugins_.Calls()[0].request.data, R"({"text":"one"})") << "what was in effect";
  EXPECT_EQ(Shown(), Texts{"a:ok:1"});
}

TEST_F(RestartTest, OfTheMachineThatFailsIsTriedUntilItWorks) {
  DeployAndSettle({{"a"}, {"b"}});
  plugins_.Script(Op::kProvision, "a",
                  {Fails(TRL_UNAVAILABLE, "no pool yet"), Fails(TRL_UNAVAILABLE, "still no pool")});
  Reboot();
  UntilParked();
  EXPECT_EQ(Shown(), (Texts{"a:error:0", "b:ok:0"}));
  EXPECT_EQ(MessageOf("a"), "no pool yet");

  Pass(std::chrono::seconds(10));
  Until([&] { return MessageOf("a") == "still no pool"; }, "the second failure is shown");
  UntilParked();
  EXPECT_EQ(Jobs().front().not_before, clock_.UnixSeconds() + 20);
  Pass(std::chrono::seconds(20));
  Settle();

  EXPECT_EQ(Shown(), (Texts{"a:ok:0", "b:ok:0"}));
  EXPECT_EQ(History(), (Texts{"a:0:init", "b:0:init", "b:0:ok", "a:0:ok"}));
}

TEST_F(RestartTest, OfTheMachineLeavesErroredWorkloadsThatNeverRan) {
  plugins_.Script(Op::kProvision, "a", {Fails(TRL_INVALID, "bad")});
  DeployAndSettle({{"a"}});
  plugins_.ForgetCalls();

  Reboot();
  Settle();

  EXPECT_TRUE(plugins_.Calls().empty());
  EXPECT_EQ(Shown(), Texts{"a:error:0"});
}

TEST_F(RestartTest, OfTheMachineKeepsReservations) {
  DeployAndSettle({{"d", "zmount", 0, R"({"size":600})"}});
  Reboot();
  Settle();

  EXPECT_EQ(Look([](store::Database& db) { return store::SumReservations(db); }).sru, 600U);
  EXPECT_EQ(Shown(), Texts{"d:ok:0"});
}

TEST_F(RestartTest, NeverSkipsTheValidationThatWasOwed) {
  auto const document = ADocument(kContract, 0, {{"a"}});
  auto const text = Agreed(document);
  ledger_.SetAway(true);
  ASSERT_TRUE(engine_->Deploy(kTwin, text));
  UntilParked();
  auto contract = ledger_.ContractOf(kContract);
  contract.hash = "something else";
  ledger_.PutContract(contract);
  ledger_.SetAway(false);

  Reboot();
  Pass(std::chrono::seconds(60));
  Settle();

  EXPECT_EQ(Shown(), Texts{"a:error:0"});
  EXPECT_EQ(MessageOf("a"), "contract hash does not match deployment hash");
  EXPECT_TRUE(plugins_.Calls().empty());
}

TEST_F(RestartTest, StopsWithinItsTimeWhileSomethingRuns) {
  auto const gate = std::make_shared<Gate>();
  plugins_.Script(Op::kProvision, "slow", {WaitsAt(gate)});
  ASSERT_TRUE(Deploy(kContract, {{"slow"}, {"b"}}));
  ASSERT_TRUE(gate->WaitEntered());

  Stop();
  EXPECT_EQ(Steps().front().state, store::StepState::kIntent);
  Start();
  Settle();

  EXPECT_EQ(Shown(), (Texts{"slow:ok:0", "b:ok:0"}));
}

TEST_F(RestartTest, OfAWedgedDeploymentGoesOnWithIt) {
  plugins_.Script(Op::kProvision, "a", {Hangs()});
  ASSERT_TRUE(Deploy(kContract, {{"a"}, {"b"}}));
  Until([&] { return engine_->wedged() == 1; }, "it is wedged");
  EXPECT_NE(Stored()->message.find("did not come back"), std::string::npos);
  EXPECT_EQ(engine_->Look()->wedged, 1);
  EXPECT_EQ(Shown(), (Texts{"a:init:0", "b:init:0"}));
  ASSERT_TRUE(Deploy(kContract + 1, {{"x"}}));
  ASSERT_TRUE(Deploy(kContract + 2, {{"x"}}, kOtherTwin));
  Until([&] { return Held().size() == 2; }, "the others are served");
  ASSERT_TRUE(Update(kContract, 1, {{"a"}, {"b"}, {"c", "fake", 1}}));

  Restart();
  Settle();

  EXPECT_EQ(Shown(), (Texts{"a:ok:0", "b:ok:0", "c:ok:1"}));
}

TEST_F(RestartTest, IsNotNeededForOthersWhenAPluginKeepsAllWorkers) {
  auto const gate = std::make_shared<Gate>();
  auto keeps = WaitsAt(gate);
  keeps.lost = true;
  options_.max_wedged = 100;
  options_.workers = 2;
  Restart();
  plugins_.Always(Op::kProvision, "a", keeps);
  for (std::uint64_t i = 0; i < 2; ++i)
    ASSERT_TRUE(Deploy(kContract + i, {{"a"}}, i == 0 ? kTwin : kOtherTwin));
  ASSERT_TRUE(gate->WaitEntered(2));

  ASSERT_TRUE(Deploy(1, {{"x"}}));
  Until([&] { return Held() == Texts{"7-1-x"}; }, "a new worker serves the others");
  Stop();
  gate->Open();  // what comes back after all finds nobody
  gate->Open();
  Start();
}

TEST_F(RestartTest, IsAskedForWhenTooManyOperationsHang) {
  options_.max_wedged = 2;
  Restart();
  std::promise<void> asked;
  engine_->OnExhausted([&] { asked.set_value(); });
  plugins_.Always(Op::kProvision, "a", Hangs());
  for (std::uint64_t i = 0; i < 3; ++i)
    ASSERT_TRUE(Deploy(kContract + i, {{"a"}}));

  EXPECT_EQ(asked.get_future().wait_for(testing::kPatience), std::future_status::ready);
}

TEST_F(RestartTest, ClockThatJumpsBackMakesNoEntryOlder) {
  DeployAndSettle({{"a"}});
  auto const created = Row("a")->created;
  clock_.JumpTo(created - 3600);
  BeginGrace();
  Settle();

  EXPECT_GE(Row("a")->created, created);
}

}  // namespace
}  // namespace trellis::engine
