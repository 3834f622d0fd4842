// Later documents of a deployment.
#include "kernel/store/outbox.hpp"
#include "tests/support/engine/engine_world.hpp"

namespace trellis::engine {
namespace {

using plugin::Op;
using testing::Fails;
using testing::Gate;
using testing::WaitsAt;

using Texts = std::vector<std::string>;

constexpr char const* kOne = R"({"text":"one"})";
constexpr char const* kTwo = R"({"text":"two"})";

class UpdateTest : public EngineWorld {
 protected:
  UpdateTest() { Start(); }

  void UpdateAndSettle(std::uint32_t version, std::vector<Item> const& items) {
    ASSERT_EQ(Said(Update(kContract, version, items)), "null");
    Settle();
  }
};

TEST_F(UpdateTest, RepeatedIsAppliedOnce) {
  DeployAndSettle({{"a", "fake", 0, kOne}});
  auto const text = Agreed(ADocument(kContract, 1, {{"a", "fake", 1, kTwo}}));

  EXPECT_EQ(Said(engine_->Update(kTwin, text)), "null");
  EXPECT_EQ(Said(engine_->Update(kTwin, text)), "null");
  Settle();

  EXPECT_EQ(plugins_.CallTexts(), (Texts{"provision a", "update a"}));
  EXPECT_EQ(plugins_.Calls()[1].request.previous, kOne);
  EXPECT_EQ(Shown(), Texts{"a:ok:1"});
  EXPECT_EQ(History(), (Texts{"a:0:init", "a:0:ok", "a:1:ok"}));
}

TEST_F(UpdateTest, WantsTheNextVersion) {
  DeployAndSettle({{"a"}});
  UpdateAndSettle(1, {{"a", "fake", 1}});

  EXPECT_EQ(Said(Update(kContract, 3, {{"a", "fake", 3}})),
            "409 expecting deployment version 2, got 3: upgrade validation error");
}

TEST_F(UpdateTest, OfSomethingUnknownIsRefused) {
  EXPECT_EQ(Said(Update(kContract, 1, {{"a", "fake", 1}})),
            "404 deployment not found: deployment does not exist");
}

TEST_F(UpdateTest, BehindAnotherOneIsComparedWithTheDocumentNotWithWhatRuns) {
  auto const gate = std::make_shared<Gate>();
  plugins_.Script(Op::kProvision, "a", {WaitsAt(gate)});
  ASSERT_TRUE(Deploy(kContract, {{"a"}}));
  ASSERT_TRUE(gate->WaitEntered());
  EXPECT_EQ(Said(Update(kContract, 1, {{"a"}, {"b", "fake", 1}})), "null");
  EXPECT_EQ(Said(Update(kContract, 2, {{"a"}, {"b", "fake", 1}, {"c", "fake", 2}})), "null");
  gate->Open();
  Settle();

  EXPECT_EQ(Shown(), (Texts{"a:ok:0", "b:ok:1", "c:ok:2"}));
}

TEST_F(UpdateTest, MayDropWhatAQueuedOneAdds) {
  auto const gate = std::make_shared<Gate>();
  plugins_.Script(Op::kProvision, "a", {WaitsAt(gate)});
  ASSERT_TRUE(Deploy(kContract, {{"a"}}));
  ASSERT_TRUE(gate->WaitEntered());
  ASSERT_TRUE(Update(kContract, 1, {{"a"}, {"b", "fake", 1}}));
  ASSERT_TRUE(Update(kContract, 2, {{"a"}}));
  gate->Open();
  Settle();

  EXPECT_EQ(Shown(), Texts{"a:ok:0"});
  EXPECT_EQ(Held(), Texts{"7-100-a"});
  EXPECT_EQ(History(), (Texts{"a:0:init", "a:0:ok", "b:1:init", "b:1:ok", "b:1:deleted"}));
}

TEST_F(UpdateTest, OfATypeThatCannotIsRefused) {
  DeployAndSettle({{"vm", "zmachine"}});

  EXPECT_EQ(Said(Update(kContract, 1, {{"vm", "zmachine", 1}})),
            "409 workload 'zmachine' does not support upgrade: upgrade validation error");
}

TEST_F(UpdateTest, OfAnErroredWorkloadMakesItAnew) {
  plugins_.Script(Op::kProvision, "vm", {Fails(TRL_INVALID, "bad image")});
  DeployAndSettle({{"vm", "zmachine", 0, kOne}});
  EXPECT_EQ(Shown(), Texts{"vm:error:0"});

  UpdateAndSettle(1, {{"vm", "zmachine", 1, kTwo}});

  EXPECT_EQ(Shown(), Texts{"vm:ok:1"});
  EXPECT_EQ(plugins_.Inventory().at("7-100-vm").data, kTwo);
}

TEST_F(UpdateTest, RefusedByThePluginLeavesTheOldShown) {
  DeployAndSettle({{"a", "fake", 0, kOne}});
  plugins_.Script(Op::kUpdate, "a", {Fails(TRL_UNCHANGED, "cannot shrink")});
  UpdateAndSettle(1, {{"a", "fake", 1, kTwo}});

  EXPECT_EQ(Shown(), Texts{"a:ok:0"});
  EXPECT_EQ(History(), (Texts{"a:0:init", "a:0:ok", "a:1:unchanged"}));
  EXPECT_EQ(Row("a")->data, kOne);
  EXPECT_EQ(Row("a")->eff_data, kOne);
  EXPECT_EQ(Stored()->version, 1U);
}

TEST_F(UpdateTest, ThatThrowsWhileTheOldRunsIsUnchanged) {
  DeployAndSettle({{"a", "fake", 0, kOne}});
  plugins_.Script(Op::kUpdate, "a", {Fails(TRL_FAULT, "exception")});
  UpdateAndSettle(1, {{"a", "fake", 1, kTwo}});

  EXPECT_EQ(Shown(), Texts{"a:ok:0"});
  EXPECT_EQ(History().back(), "a:1:unchanged");
}

TEST_F(UpdateTest, ThatThrowsAfterItWasAppliedIsOk) {
  DeployAndSettle({{"a", "fake", 0, kOne}});
  plugins_.Script(Op::kUpdate, "a", {{.status = TRL_TIMEOUT, .text = "late", .effect = true}});
  UpdateAndSettle(1, {{"a", "fake", 1, kTwo}});

  EXPECT_EQ(Shown(), Texts{"a:ok:1"});
  EXPECT_EQ(Row("a")->eff_data, kTwo);
}

TEST_F(UpdateTest, ThatLeavesNeitherIsInErrorAndRepairedTowardsTheNew) {
  DeployAndSettle({{"a", "fake", 0, kOne}});
  plugins_.Script(Op::kUpdate, "a",
                  {{.status = TRL_IO, .text = "disk on fire", .effect = false, .during = [this] {
                      plugins_.Lose("7-100-a");
                    }}});
  ASSERT_TRUE(Update(kContract, 1, {{"a", "fake", 1, kTwo}}));
  UntilParked();
  EXPECT_EQ(Shown(), Texts{"a:error:1"});
  EXPECT_EQ(MessageOf("a"), "disk on fire");

  Pass(std::chrono::seconds(10));
  Settle();

  EXPECT_EQ(Shown(), Texts{"a:ok:1"});
  EXPECT_EQ(plugins_.Inventory().at("7-100-a").data, kTwo);
  EXPECT_EQ(History(), (Texts{"a:0:init", "a:0:ok", "a:1:error", "a:1:ok"}));
}

TEST_F(UpdateTest, RefusedBeforehandTouchesNothing) {
  DeployAndSettle({{"vm", "zmachine"}, {"disk", "zmount", 0, R"({"size":10})"}});
  plugins_.ForgetCalls();
  plugins_.RefusePrecheck("disk", "cannot shrink");
  UpdateAndSettle(1, {{"disk", "zmount", 1, R"({"size":5})"}, {"new", "fake", 1}});

  EXPECT_TRUE(plugins_.Calls().empty());
  EXPECT_EQ(Shown(), (Texts{"vm:ok:0", "disk:ok:0", "new:error:1"}));
  EXPECT_EQ(History(), (Texts{"vm:0:init", "disk:0:init", "disk:0:ok", "vm:0:ok",
                              "disk:1:unchanged", "new:1:error"}));
  EXPECT_EQ(MessageOf("new"), "workload 'disk': cannot shrink");
  EXPECT_EQ(Stored()->version, 1U);
}

TEST_F(UpdateTest, MayBeTriedAgainAfterARefusal) {
  DeployAndSettle({{"disk", "zmount", 0, R"({"size":10})"}});
  plugins_.RefusePrecheck("disk", "not now");
  UpdateAndSettle(1, {{"disk", "zmount", 1, R"({"size":20})"}});
  EXPECT_EQ(grid::ParseDeployment(Document())->workloads.front().version, 0U)
      << "the refused entry is the old one again";
  plugins_.RefusePrecheck("disk", {});
  Stop();
  Start();

  EXPECT_EQ(Said(Update(kContract, 2, {{"disk", "zmount", 2, R"({"size":20})"}})), "null");
}

TEST_F(UpdateTest, AddingASharableNameThatIsTakenIsRefused) {
  ASSERT_TRUE(Deploy(kContract + 1, {{"net", "network"}}));
  DeployAndSettle({{"a"}});

  EXPECT_EQ(Said(Update(kContract, 1, {{"a"}, {"net", "network", 1}})),
            "409 global workload with the same name 'net' exists: conflict");
  EXPECT_EQ(Stored()->version, 0U);
  EXPECT_EQ(Said(Deploy(kContract + 2, {{"net", "network"}}, kOtherTwin)), "null")
      << "names are a twin's own";
  Settle();
}

TEST_F(UpdateTest, FreesTheSharableNameItDrops) {
  DeployAndSettle({{"net", "network"}, {"a"}});
  UpdateAndSettle(1, {{"a"}});

  EXPECT_EQ(Said(Deploy(kContract + 1, {{"net", "network"}})), "null");
  Settle();
  EXPECT_EQ(Shown(kContract + 1), Texts{"net:ok:0"});
}

TEST_F(UpdateTest, WithAnUnreachableLedgerWaitsAndTouchesNothing) {
  DeployAndSettle({{"a", "fake", 0, kOne}, {"b"}});
  auto const text = Agreed(ADocument(kContract, 1, {{"a", "fake", 1, kTwo}, {"b"}}));
  ledger_.SetAway(true);
  ASSERT_EQ(Said(engine_->Update(kTwin, text)), "null");
  for (std::uint32_t tries = 1; tries <= 4; ++tries) {
    if (tries > 1) Pass(std::chrono::seconds(5));
    UntilTried(tries);
    EXPECT_EQ(Shown(), (Texts{"a:ok:0", "b:ok:0"}));
  }

  ledger_.SetAway(false);
  Pass(std::chrono::seconds(5));
  Settle();

  EXPECT_EQ(Shown(), (Texts{"a:ok:1", "b:ok:0"}));
  EXPECT_TRUE(Stored()->validated);
}

TEST_F(UpdateTest, IsRefusedWhenTheLedgerStaysAwayForFiveMinutes) {
  DeployAndSettle({{"a", "fake", 0, kOne}});
  auto const text = Agreed(ADocument(kContract, 1, {{"a", "fake", 1, kTwo}}));
  ledger_.SetAway(true);
  ASSERT_TRUE(engine_->Update(kTwin, text));
  UntilParked();
  Pass(std::chrono::seconds(300));
  Settle();

  EXPECT_EQ(Shown(), Texts{"a:ok:0"});
  EXPECT_EQ(History().back(), "a:1:unchanged");
  EXPECT_EQ(Stored()->message, "failed to get deployment contract: the ledger is away");
}

TEST_F(UpdateTest, ToNothingKeepsTheDeployment) {
  DeployAndSettle({{"a"}});
  UpdateAndSettle(1, {});
  EXPECT_TRUE(Shown().empty());
  EXPECT_TRUE(Held().empty());

  Restart();
  EXPECT_NE(engine_->Get(kTwin, kContract)->find(R"("workloads":[])"), std::string::npos);
  UpdateAndSettle(2, {{"b", "fake", 2}});
  EXPECT_EQ(Shown(), Texts{"b:ok:2"});
}

TEST_F(UpdateTest, ShowsTheWorkloadsInTheNewOrder) {
  DeployAndSettle({{"a"}, {"b"}, {"c"}});
  UpdateAndSettle(1, {{"c"}, {"d", "fake", 1}, {"a"}});

  EXPECT_EQ(Shown(), (Texts{"c:ok:0", "d:ok:1", "a:ok:0"}));
}

TEST_F(UpdateTest, MovesWhatRefusesToChangeToo) {
  DeployAndSettle({{"a"}, {"c"}, {"b", "fake", 0, kOne}});
  plugins_.Script(Op::kUpdate, "b", {Fails(TRL_UNCHANGED, "not now")});
  UpdateAndSettle(1, {{"b", "fake", 1, kTwo}, {"d", "fake", 1}});

  EXPECT_EQ(Shown(), (Texts{"b:ok:0", "d:ok:1"}));
}

TEST_F(UpdateTest, RemovesBeforeItAdds) {
  DeployAndSettle({{"old", "zmount", 0, R"({"size":900})"}});
  plugins_.ForgetCalls();
  UpdateAndSettle(1, {{"new", "zmount", 1, R"({"size":900})"}});

  EXPECT_EQ(plugins_.CallTexts(), (Texts{"deprovision old", "provision new"}));
  EXPECT_EQ(Shown(), Texts{"new:ok:1"}) << "what the old one had reserved is free again";
}

TEST_F(UpdateTest, OfOneKeepsTheOthersHistoryAtInitAndNewest) {
  DeployAndSettle({{"a"}, {"b"}});
  BeginGrace();
  Settle();
  EndGrace();
  Settle();
  UpdateAndSettle(1, {{"a"}, {"b", "fake", 1, kTwo}});

  EXPECT_EQ(History(), (Texts{"a:0:init", "b:0:init", "a:0:ok", "b:0:ok", "b:1:ok"}));
}

TEST_F(UpdateTest, ThatShrinksGivesTheRestBack) {
  DeployAndSettle({{"d", "zmount", 0, R"({"size":600})"}});
  UpdateAndSettle(1, {{"d", "zmount", 1, R"({"size":100})"}});

  EXPECT_EQ(Look([](store::Database& db) { return store::SumReservations(db); }).sru, 100U);
}

TEST_F(UpdateTest, IsReportedAlsoWithinTheSecondOfTheDeployment) {
  Stop();                   // what is being told just now would be forgotten in between
  ledger_.TakeNoReports();  // they wait and can be counted
  Start();
  auto const occasions = [this] {
    std::uint64_t count = 0;
    auto const rows = Look([](store::Database& db) { return store::DueOutbox(db, INT64_MAX, 10); });
    for (auto const& row : rows)
      count += 1 + row.changed;
    return count;
  };
  DeployAndSettle({{"d", "zmount", 0, R"({"size":100})"}});
  auto const before = occasions();

  UpdateAndSettle(1, {{"d", "zmount", 1, R"({"size":600})"}});

  EXPECT_GT(occasions(), before);
}

TEST_F(UpdateTest, ThatIsRefusedKeepsWhatWasReserved) {
  DeployAndSettle({{"d", "zmount", 0, R"({"size":100})"}});
  plugins_.Script(Op::kUpdate, "d", {Fails(TRL_UNCHANGED, "no")});
  UpdateAndSettle(1, {{"d", "zmount", 1, R"({"size":600})"}});

  EXPECT_EQ(Look([](store::Database& db) { return store::SumReservations(db); }).sru, 100U);
}

TEST_F(UpdateTest, ThatDoesNotFitIsUnchanged) {
  DeployAndSettle({{"d", "zmount", 0, R"({"size":600})"}});
  plugins_.ForgetCalls();
  UpdateAndSettle(1, {{"d", "zmount", 1, R"({"size":1100})"}});

  EXPECT_EQ(Shown(), Texts{"d:ok:0"});
  EXPECT_EQ(History().back(), "d:1:unchanged");
  EXPECT_TRUE(plugins_.Calls().empty());
  EXPECT_EQ(Look([](store::Database& db) { return store::SumReservations(db); }).sru, 600U);
}

TEST_F(UpdateTest, AcceptedWhilePausedStaysPaused) {
  DeployAndSettle({{"a", "fake", 0, kOne}});
  BeginGrace();
  Settle();
  UpdateAndSettle(1, {{"a", "fake", 1, kTwo}, {"b", "fake", 1}});

  EXPECT_EQ(Shown(), (Texts{"a:paused:1", "b:paused:1"}));
  EXPECT_TRUE(plugins_.Inventory().at("7-100-a").paused);
  EXPECT_TRUE(plugins_.Inventory().at("7-100-b").paused);
}

TEST_F(UpdateTest, WhoseRemovalFailsGoesOnAndRemovesLater) {
  DeployAndSettle({{"a"}, {"b"}});
  plugins_.Script(Op::kDeprovision, "b", {Fails(TRL_IO, "busy"), Fails(TRL_IO, "still busy")});
  ASSERT_TRUE(Update(kContract, 1, {{"a"}, {"c", "fake", 1}}));
  UntilParked();
  EXPECT_EQ(Shown(), (Texts{"a:ok:0", "b:ok:0", "c:ok:1"}));
  EXPECT_EQ(MessageOf("b"), "busy");

  Pass(std::chrono::seconds(5));
  Until([&] { return MessageOf("b") == "still busy"; }, "the second try failed");
  UntilParked();
  Pass(std::chrono::seconds(10));
  Settle();

  EXPECT_EQ(Shown(), (Texts{"a:ok:0", "c:ok:1"}));
  EXPECT_EQ(History().back(), "b:0:deleted");
}

TEST_F(UpdateTest, MayBringBackANameThatIsNotGoneYet) {
  DeployAndSettle({{"a"}, {"b", "fake", 0, kOne}});
  plugins_.Script(Op::kDeprovision, "b", {Fails(TRL_IO, "busy")});
  ASSERT_TRUE(Update(kContract, 1, {{"a"}}));
  UntilParked();
  ASSERT_EQ(Said(Update(kContract, 2, {{"a"}, {"b", "fake", 2, kTwo}})), "null");
  Until([&] { return Row("b")->version == 2; }, "it is back");

  Pass(std::chrono::seconds(5));
  Settle();

  EXPECT_EQ(Shown(), (Texts{"a:ok:0", "b:ok:2"})) << "the removal found that it is wanted again";
}

}  // namespace
}  // namespace trellis::engine
