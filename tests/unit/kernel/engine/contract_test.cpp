// Documents whose contract the ledger cannot confirm at once.
#include "tests/support/engine/engine_world.hpp"

namespace trellis::engine {
namespace {

using Texts = std::vector<std::string>;

/// A ledger that may be behind, as the public chain is.
class LateContract : public EngineWorld {
 protected:
  LateContract() {
    ledger_.SetStrong(false);
    Start();
    text_ = Agreed(ADocument(kContract, 0, {{"a"}, {"b"}}));
    agreed_ = ledger_.ContractOf(kContract);
  }
  void Change(std::function<void(ledger::Contract&)> const& change) {
    auto contract = agreed_;
    change(contract);
    ledger_.PutContract(contract);
  }
  /// The job looks every five seconds; after `seconds` of them it has looked and waits on.
  void WaitFor(int seconds) {
    UntilTried(1);
    for (std::uint32_t tries = 1; seconds > 0; seconds -= 5) {
      Pass(std::chrono::seconds(5));
      UntilTried(++tries);
    }
  }
  void ExpectWaiting() {
    EXPECT_EQ(Shown(), (Texts{"a:init:0", "b:init:0"}));
    EXPECT_TRUE(plugins_.Calls().empty());
  }
  void ExpectRefused(std::string const& why) {
    EXPECT_EQ(Shown(), (Texts{"a:error:0", "b:error:0"}));
    EXPECT_EQ(MessageOf("a"), why);
    EXPECT_EQ(MessageOf("b"), why);
    EXPECT_EQ(Stored()->message, why);
    EXPECT_TRUE(plugins_.Calls().empty());
  }

  std::string text_;
  ledger::Contract agreed_;
};

TEST_F(LateContract, OfAnotherHashIsAskedForAgainForHalfAMinute) {
  Change([](auto& contract) { contract.hash = "older"; });
  ASSERT_EQ(Said(engine_->Deploy(kTwin, text_)), "null");
  WaitFor(25);
  ExpectWaiting();
  Pass(std::chrono::seconds(5));
  Settle();

  ExpectRefused("contract hash does not match deployment hash");
}

TEST_F(LateContract, ThatComesToMatchIsProvisioned) {
  Change([](auto& contract) { contract.hash = "older"; });
  ASSERT_EQ(Said(engine_->Deploy(kTwin, text_)), "null");
  WaitFor(10);
  ledger_.PutContract(agreed_);
  Pass(std::chrono::seconds(5));
  Settle();

  EXPECT_EQ(Shown(), (Texts{"a:ok:0", "b:ok:0"}));
  EXPECT_TRUE(Stored()->validated);
}

TEST_F(LateContract, ThatIsNotThereIsAskedForAgainForAMinute) {
  ledger_.EraseContract(kContract);
  ASSERT_EQ(Said(engine_->Deploy(kTwin, text_)), "null");
  WaitFor(55);
  ExpectWaiting();
  Pass(std::chrono::seconds(5));
  Settle();

  ExpectRefused("failed to get deployment contract: no contract 100");
}

TEST_F(LateContract, OfAnUpdateTouchesNothingMeanwhileNorAfterwards) {
  ASSERT_TRUE(engine_->Deploy(kTwin, text_));
  Settle();
  plugins_.ForgetCalls();
  auto const update = Agreed(ADocument(kContract, 1, {{"a", "fake", 1, R"({"text":"new"})"}}));
  ledger_.PutContract(agreed_);  // of the first document
  ASSERT_EQ(Said(engine_->Update(kTwin, update)), "null");
  WaitFor(25);
  EXPECT_EQ(Shown(), (Texts{"a:ok:0", "b:ok:0"}));
  Pass(std::chrono::seconds(5));
  Settle();

  EXPECT_EQ(Shown(), (Texts{"a:ok:0", "b:ok:0"}));
  EXPECT_EQ(History().back(), "a:1:unchanged");
  EXPECT_TRUE(plugins_.Calls().empty());
}

TEST_F(LateContract, OfALedgerThatIsAwayIsAskedForAgainForFiveMinutes) {
  ledger_.SetStrong(true);  // makes no difference
  ledger_.SetAway(true);
  ASSERT_EQ(Said(engine_->Deploy(kTwin, text_)), "null");
  WaitFor(295);
  ExpectWaiting();
  Pass(std::chrono::seconds(5));
  Settle();

  ExpectRefused("failed to get deployment contract: the ledger is away");
}

TEST_F(LateContract, OfAnotherNodeOrTwinIsNeverTaken) {
  for (auto const& [change, why] :
       std::initializer_list<std::pair<std::function<void(ledger::Contract&)>, std::string>>{
           {[](auto& contract) { contract.node_id = 99; }, "invalid node address in contract"},
           {[](auto& contract) { contract.twin_id = 9; }, "contract does not belong to twin 7"}}) {
    Change(change);
    ASSERT_EQ(Said(engine_->Deploy(kTwin, text_)), "null");
    UntilTried(1);
    Pass(std::chrono::seconds(30));
    Settle();
    ExpectRefused(why);
    ASSERT_TRUE(engine_->Remove({kTwin, kContract}, "cancelled"));
    Settle();
  }
}

}  // namespace
}  // namespace trellis::engine
