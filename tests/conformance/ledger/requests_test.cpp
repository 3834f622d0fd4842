#include "tests/conformance/ledger/suite.hpp"

namespace trellis::ledger {
namespace {

TEST_P(LedgerSuite, RepeatedRequestGivesTheSameResult) {
  if (!KnowsRequestIds()) return;
  auto const first = ledger_->Submit(Asking("r1"), Deploy(1));
  auto const again = ledger_->Submit(Asking("r1"), Deploy(1));

  ASSERT_TRUE(first);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*first, *again);
}

TEST_P(LedgerSuite, RepeatedRequestWithOtherArgumentsIsAConflict) {
  if (!KnowsRequestIds()) return;
  ASSERT_TRUE(ledger_->Submit(Asking("r1"), Deploy(1)));

  auto const other = ledger_->Submit(Asking("r1"), Deploy(2));

  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::kConflict);
  EXPECT_EQ(NameOf(other.error()), "RequestIdReused");
}

TEST_P(LedgerSuite, RequestsAreForgottenAfterADay) {
  if (!KnowsRequestIds()) return;
  ASSERT_TRUE(ledger_->Submit(Asking("r1"), Deploy(1)));
  clock_.now += 86'401;

  EXPECT_TRUE(ledger_->Submit(Asking("r1"), Deploy(2)));
}

TEST_P(LedgerSuite, BatchStoresAllOrNothing) {
  auto const cursor = LastSeq();

  auto const ids = ledger_->SubmitAll(By(kAlice), {Deploy(1), Deploy(2), Deploy(1)});

  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code, Code::kConflict);
  EXPECT_TRUE(ids.error().message.starts_with(
      abilities_.tells_failing_call ? "call 2: ContractIsNotUnique: " : "ContractIsNotUnique: "))
      << ids.error().message;
  EXPECT_TRUE(KindsAfter(cursor).empty());
  EXPECT_TRUE(ledger_->ListNodeContracts(kNode)->ids.empty());
}

TEST_P(LedgerSuite, BatchTellsOfEveryItem) {
  auto const cursor = LastSeq();

  auto const ids = ledger_->SubmitAll(By(kAlice), {Deploy(1), CreateNameContract{"mysite"}});

  ASSERT_TRUE(ids);
  EXPECT_EQ(ids->size(), 2);
  EXPECT_EQ(KindsAfter(cursor),
            (std::vector<std::string>{"ContractCreated", "ItemCompleted", "ContractCreated",
                                      "ItemCompleted", "BatchCompleted"}));
}

}  // namespace
}  // namespace trellis::ledger
