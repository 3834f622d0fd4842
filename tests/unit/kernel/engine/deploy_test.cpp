// What a client sees of a deployment's first document.
#include "kernel/grid/validate.hpp"
#include "tests/support/engine/engine_world.hpp"

namespace trellis::engine {
namespace {

using plugin::Op;
using testing::Fails;
using testing::Gate;
using testing::WaitsAt;

using Texts = std::vector<std::string>;

class DeployTest : public EngineWorld {
 protected:
  DeployTest() { Start(); }
  std::string SaidOf(grid::Deployment const& document, std::uint32_t sender = kTwin) {
    return Said(engine_->Deploy(sender, Agreed(document)));
  }
};

TEST_F(DeployTest, EndsWithEverythingOk) {
  auto const answer = Deploy(kContract, {{"vm"}});
  Settle();

  EXPECT_EQ(Said(answer), "null");
  EXPECT_EQ(History(), (Texts{"vm:0:init", "vm:0:ok"}));
  EXPECT_EQ(Shown(), Texts{"vm:ok:0"});
  EXPECT_EQ(Held(), Texts{"7-100-vm"});
}

TEST_F(DeployTest, WantsVersionZero) {
  EXPECT_EQ(SaidOf(ADocument(kContract, 1, {{"vm", "fake", 1}})),
            "400 expected version to be 0 on deployment creation: invalid version");
  EXPECT_FALSE(Stored());
}

TEST_F(DeployTest, WantsTheDeploymentsOwnTwin) {
  EXPECT_EQ(SaidOf(ADocument(kContract, 0, {{"vm"}}, /*twin=*/7), /*sender=*/8),
            "401 twin id mismatch (deployment: 7, message: 8)");
}

TEST_F(DeployTest, WantsAVerifiedTwin) {
  auto twin = ledger_.GetTwin(kTwin).value();
  twin.verified = false;
  ledger_.PutTwin(twin);

  EXPECT_EQ(SaidOf(ADocument(kContract, 0, {{"vm"}})), "401 user with twin id 7 is not verified");
}

TEST_F(DeployTest, TakesATwinAsSoonAsItIsVerified) {
  auto twin = ledger_.GetTwin(kTwin).value();
  twin.verified = false;
  ledger_.PutTwin(twin);
  (void)SaidOf(ADocument(kContract, 0, {{"vm"}}));
  twin.verified = true;
  ledger_.PutTwin(twin);

  EXPECT_EQ(SaidOf(ADocument(kContract, 0, {{"vm"}})), "null");
}

TEST_F(DeployTest, BelievesAVerificationForHalfAMinute) {
  EXPECT_EQ(SaidOf(ADocument(kContract, 0, {{"vm"}})), "null");
  auto twin = ledger_.GetTwin(kTwin).value();
  twin.verified = false;
  ledger_.PutTwin(twin);

  clock_.Advance(std::chrono::seconds(30));

  EXPECT_EQ(SaidOf(ADocument(kContract + 1, 0, {{"vm2"}})),
            "401 user with twin id 7 is not verified");
}

TEST_F(DeployTest, WantsTheTwinsSignature) {
  auto document = ADocument(kContract, 0, {{"vm"}});
  auto const text = Agreed(document);
  auto forged = ledger_.GetTwin(kOtherTwin).value();
  forged.id = kTwin;
  ledger_.PutTwin(forged);

  EXPECT_EQ(Said(engine_->Deploy(kTwin, text)),
            "401 ed25519 signature of twin 7 does not match the deployment");
}

TEST_F(DeployTest, RepeatedAnswersSuccessAndDoesNothing) {
  auto const text = Agreed(ADocument(kContract, 0, {{"vm"}}));

  EXPECT_EQ(Said(engine_->Deploy(kTwin, text)), "null");
  EXPECT_EQ(Said(engine_->Deploy(kTwin, text)), "null");
  Settle();
  EXPECT_EQ(Said(engine_->Deploy(kTwin, text)), "null");
  Settle();

  EXPECT_EQ(plugins_.CallTexts(), Texts{"provision vm"});
  EXPECT_EQ(History(), (Texts{"vm:0:init", "vm:0:ok"}));
}

TEST_F(DeployTest, RepeatedAtTheSameTimeAnswersSuccessToAll) {
  auto const text = Agreed(ADocument(kContract, 0, {{"vm"}}));
  std::atomic<int> successes = 0;
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 8; ++i)
      clients.emplace_back([&] { successes += engine_->Deploy(kTwin, text) ? 1 : 0; });
  }
  Settle();

  EXPECT_EQ(successes, 8);
  EXPECT_EQ(plugins_.CallTexts(), Texts{"provision vm"});
}

TEST_F(DeployTest, RefusesAnotherDocumentForTheContract) {
  ASSERT_TRUE(Deploy(kContract, {{"vm"}}));

  EXPECT_EQ(Said(Deploy(kContract, {{"other"}})), "409 exists");
}

TEST_F(DeployTest, RefusesTheFirstDocumentAgainAfterAnUpdate) {
  auto const first = ADocument(kContract, 0, {{"vm"}});
  ASSERT_TRUE(engine_->Deploy(kTwin, Agreed(first)));
  ASSERT_TRUE(Update(kContract, 1, {{"vm", "fake", 1}}));

  EXPECT_EQ(SaidOf(first), "409 exists");
}

TEST_F(DeployTest, RefusesAContractThatIsNotItsOwn) {
  auto const document = ADocument(kContract, 0, {{"vm"}});
  auto const text = Agreed(document);
  auto const good = ledger_.ContractOf(kContract);
  auto const said = [&](auto change) {
    auto contract = good;
    change(contract);
    ledger_.PutContract(contract);
    return Said(engine_->Deploy(kTwin, text));
  };

  EXPECT_EQ(said([](auto& c) { c.hash = "00"; }),
            "409 contract hash does not match deployment hash");
  EXPECT_EQ(said([](auto& c) { c.node_id = 99; }), "409 invalid node address in contract");
  EXPECT_EQ(said([](auto& c) { c.twin_id = 9; }), "409 contract does not belong to twin 7");
  EXPECT_EQ(said([](auto& c) { c.state = ledger::ContractState::kDeleted; }),
            "409 contract is not active");
  EXPECT_EQ(said([](auto& c) { c.kind = ledger::ContractKind::kName; }),
            "409 invalid contract type, expecting node contract");
  ledger_.EraseContract(kContract);
  EXPECT_EQ(Said(engine_->Deploy(kTwin, text)),
            "404 failed to get deployment contract: no contract 100");
  EXPECT_FALSE(Stored());
}

TEST_F(DeployTest, KeepsTheDocumentAsItWasSent) {
  auto document =
      ADocument(kContract, 0,
                {{"b", "fake", 0, R"({"text":"x", "big":18446744073709551615,"size":0})"}, {"a"}});
  document.expiration.seconds = 1234;
  document.description = "d";
  document.metadata = R"({"m":1})";
  ASSERT_TRUE(engine_->Deploy(kTwin, Agreed(document)));
  Settle();

  auto const got = *engine_->Get(kTwin, kContract);
  auto const parsed = grid::ParseDeployment(got).value();
  EXPECT_NE(got.find(R"({"text":"x", "big":18446744073709551615,"size":0})"), std::string::npos);
  EXPECT_EQ(parsed.expiration.seconds, 1234);
  EXPECT_EQ(parsed.workloads.front().name, "b");
  EXPECT_EQ(crypto::Hex(grid::ChallengeHash(parsed, plugins_).value()), Stored()->hash);
}

TEST_F(DeployTest, ProvisionsByRankThenSizeAndRemovesInReverse) {
  auto const sized = [](int size) { return fmt::format(R"({{"size":{}}})", size); };
  ASSERT_TRUE(Deploy(kContract, {{"logs", "zlogs"},
                                 {"vm", "zmachine"},
                                 {"d10", "zmount", 0, sized(10)},
                                 {"d30", "zmount", 0, sized(30)},
                                 {"net", "network"},
                                 {"d20", "zmount", 0, sized(20)}}));
  Settle();
  EXPECT_EQ(plugins_.CallTexts(), (Texts{"provision d30", "provision d20", "provision d10",
                                         "provision net", "provision vm", "provision logs"}));

  plugins_.ForgetCalls();
  ASSERT_TRUE(engine_->Remove({kTwin, kContract}, "cancelled"));
  Settle();
  EXPECT_EQ(plugins_.CallTexts(), (Texts{"deprovision logs", "deprovision vm", "deprovision net",
                                         "deprovision d10", "deprovision d20", "deprovision d30"}));
}

TEST_F(DeployTest, AloneTakesThreeSyncsWhateverItsSize) {
  std::vector<Item> items;
  for (int i = 0; i < 10; ++i)
    items.push_back({fmt::format("w{}", i)});
  QuietDown();
  // Each report to the ledger is forgotten in a commit of its own, whenever that is.
  auto const own = [this] { return Syncs() - ledger_.reports(); };
  auto const before = own();

  DeployAndSettle({items.front()});
  EXPECT_LE(own(), before + 3);

  QuietDown();
  auto const again = own();
  ASSERT_TRUE(Deploy(kContract + 1, items));
  Settle();
  EXPECT_LE(own(), again + 3);
}

TEST_F(DeployTest, TellsAWorkloadThatItsDependencyIsBroken) {
  plugins_.Always(Op::kProvision, "disk", Fails(TRL_INVALID, "no pool"));
  DeployAndSettle(
      {{"disk", "zmount"}, {"vm", "zmachine", 0, R"({"uses":["disk"]})"}, {"other", "zmachine"}});

  EXPECT_EQ(Shown(), (Texts{"disk:error:0", "vm:error:0", "other:ok:0"}));
  EXPECT_EQ(MessageOf("disk"), "no pool");
  EXPECT_EQ(MessageOf("vm"), "dependency 'disk' is not ok");
  EXPECT_FALSE(Row("vm")->owned);
  EXPECT_EQ(Held(), Texts{"7-100-other"});
}

TEST_F(DeployTest, TriesAgainWhatFailedInPassing) {
  plugins_.Script(Op::kProvision, "vm",
                  {Fails(TRL_UNAVAILABLE, "not yet"), Fails(TRL_BUSY, "not yet")});
  ASSERT_TRUE(Deploy(kContract, {{"vm"}, {"after"}}));
  UntilParked();
  EXPECT_EQ(Shown(), (Texts{"vm:init:0", "after:init:0"}));
  EXPECT_EQ(plugins_.Calls().size(), 1U) << "no worker waits for the second try";

  Pass(std::chrono::seconds(2));
  Until([&] { return plugins_.Calls().size() == 2; }, "the second try");
  UntilParked();
  Pass(std::chrono::seconds(8));
  Settle();

  EXPECT_EQ(Shown(), (Texts{"vm:ok:0", "after:ok:0"}));
  EXPECT_EQ(plugins_.Calls()[2].request.attempt, 3U);
  EXPECT_TRUE(plugins_.Calls()[2].request.retry);
  EXPECT_EQ(History(), (Texts{"vm:0:init", "after:0:init", "vm:0:ok", "after:0:ok"}));
}

TEST_F(DeployTest, GivesUpAfterThreeTriesAndCleansUp) {
  plugins_.Always(Op::kProvision, "vm", {.status = TRL_TIMEOUT, .text = "too slow"});
  ASSERT_TRUE(Deploy(kContract, {{"vm"}}));
  for (int tries = 1; tries < 3; ++tries) {
    UntilParked();
    Pass(std::chrono::seconds(8));
    Until([&] { return plugins_.Calls().size() > static_cast<std::size_t>(tries); }, "a try");
  }
  Settle();

  EXPECT_EQ(Shown(), Texts{"vm:error:0"});
  EXPECT_EQ(MessageOf("vm"), "too slow");
  EXPECT_TRUE(Held().empty()) << "halves are removed";
  EXPECT_FALSE(Row("vm")->owned);
}

TEST_F(DeployTest, NamesThePluginThatCrashedThreeTimes) {
  plugins_.Always(Op::kProvision, "vm", Fails(TRL_CRASHED, "connection lost"));
  ASSERT_TRUE(Deploy(kContract, {{"vm"}}));
  for (int tries = 1; tries < 3; ++tries) {
    UntilParked();
    Pass(std::chrono::seconds(8));
    Until([&] { return plugins_.Calls().size() > static_cast<std::size_t>(tries); }, "a try");
  }
  Settle();

  EXPECT_EQ(MessageOf("vm"), "plugin 'fake' crashed 3 times during provision");
}

TEST_F(DeployTest, RefusedByAPluginBeforehandTouchesNothing) {
  plugins_.RefusePrecheck("vm", "no such image");
  DeployAndSettle({{"disk", "zmount"}, {"vm", "zmachine"}});

  EXPECT_EQ(Shown(), (Texts{"disk:error:0", "vm:error:0"}));
  EXPECT_EQ(MessageOf("vm"), "no such image");
  EXPECT_EQ(MessageOf("disk"), "workload 'vm': no such image");
  EXPECT_TRUE(plugins_.Calls().empty());
  EXPECT_EQ(Stored()->message, "workload 'vm': no such image");
}

TEST_F(DeployTest, ThatDoesNotFitIsInErrorAndReservesNothing) {
  DeployAndSettle({{"a", "zmount", 0, R"({"size":600})"}, {"b", "zmount", 0, R"({"size":500})"}});

  EXPECT_EQ(Shown(), (Texts{"a:ok:0", "b:error:0"}));
  EXPECT_EQ(MessageOf("b"),
            "failed to satisfy required capacity: cannot fulfil required ssd size 500 bytes out of "
            "usable 400 bytes");
  EXPECT_EQ(Look([](store::Database& db) { return store::SumReservations(db); }).sru, 600U);
}

TEST_F(DeployTest, InAGracePeriodIsPaused) {
  auto const text = Agreed(ADocument(kContract, 0, {{"vm"}}));
  auto contract = ledger_.ContractOf(kContract);
  contract.state = ledger::ContractState::kGracePeriod;
  ledger_.PutContract(contract);

  ASSERT_TRUE(engine_->Deploy(kTwin, text));
  Settle();

  EXPECT_EQ(Shown(), Texts{"vm:paused:0"});
  EXPECT_TRUE(plugins_.Inventory().at("7-100-vm").paused);
}

TEST_F(DeployTest, CountsWhatIsOkay) {
  plugins_.Always(Op::kProvision, "broken", Fails(TRL_INVALID, "no"));
  DeployAndSettle({{"a"}, {"b"}, {"broken"}});
  ASSERT_TRUE(Deploy(kContract + 1, {{"broken"}}));
  Settle();

  auto const totals = Look([](store::Database& db) { return store::ReadTotals(db); });
  EXPECT_EQ(totals.deployments, 2);
  EXPECT_EQ(totals.okay_deployments, 1);
  EXPECT_EQ(totals.okay_workloads, 2);
  EXPECT_EQ(totals.newest, clock_.UnixSeconds());
}

TEST_F(DeployTest, RunsDeploymentsOfATwinAtOnce) {
  auto const gate = std::make_shared<Gate>();
  plugins_.Always(Op::kProvision, "slow", WaitsAt(gate));
  ASSERT_TRUE(Deploy(kContract, {{"slow"}}));
  ASSERT_TRUE(Deploy(kContract + 1, {{"slow"}}));

  EXPECT_TRUE(gate->WaitEntered(2));
  gate->Open();
  Settle();
}

TEST_F(DeployTest, OfManyMachinesStartsOnlyTwoAtOnce) {
  options_.workers = 8;
  Restart();
  for (std::uint64_t i = 0; i < 6; ++i)
    ASSERT_TRUE(Deploy(kContract + i, {{"vm", "zmachine"}}));
  Settle();

  EXPECT_LE(plugins_.MaxParallel("zmachine"), 2);
}

}  // namespace
}  // namespace trellis::engine
