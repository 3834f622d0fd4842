#include "tests/unit/kernel/ledger/world.hpp"

namespace trellis::ledger {
namespace {

using Requests = World;

Caller Asking(std::string request) {
  return {.twin = kAlice, .admin = false, .request_id = std::move(request)};
}

TEST_F(Requests, RepeatedGivesTheSameResult) {
  auto const first = ledger_->Submit(Asking("r1"), Deploy(1));
  auto const again = ledger_->Submit(Asking("r1"), Deploy(1));

  ASSERT_TRUE(first);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*first, *again);
}

TEST_F(Requests, OtherArgumentsAreAConflict) {
  ASSERT_TRUE(ledger_->Submit(Asking("r1"), Deploy(1)));

  auto const other = ledger_->Submit(Asking("r1"), Deploy(2));

  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::kConflict);
  EXPECT_EQ(NameOf(other.error()), "RequestIdReused");
}

TEST_F(Requests, AreForgottenAfterADay) {
  ASSERT_TRUE(ledger_->Submit(Asking("r1"), Deploy(1)));
  clock_.now += 86'401;

  EXPECT_TRUE(ledger_->Submit(Asking("r1"), Deploy(2)));
}

TEST_F(Requests, BatchStoresAllOrNothing) {
  auto const cursor = LastSeq();

  auto const ids = ledger_->SubmitAll(By(kAlice), {Deploy(1), Deploy(2), Deploy(1)});

  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code, Code::kConflict);
  EXPECT_TRUE(ids.error().message.starts_with("call 2: ContractIsNotUnique: "))
      << ids.error().message;
  EXPECT_EQ(LastSeq(), cursor);
  EXPECT_TRUE(ledger_->ListNodeContracts(kNode)->ids.empty());
}

TEST_F(Requests, BatchTellsOfEveryItem) {
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
