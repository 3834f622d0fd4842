#include "tests/unit/kernel/ledger/world.hpp"

#include <future>
#include <thread>

namespace trellis::ledger {
namespace {

using namespace std::chrono_literals;
using Events = World;

TEST_F(Events, AreGaplessAndInOrder) {
  AddIps();
  auto const cursor = LastSeq();
  auto const id = Id(By(kAlice), Deploy(1, 1));
  Name(By(kAlice), Deploy(1));  // refused: no event
  Name(By(kAlice), UpdateNodeContract{.contract = id, .hash = Hash(2), .data = ""});
  Name(By(kAlice), CancelContract{id});

  auto const page = ledger_->EventsAfter(0, 1000);

  ASSERT_TRUE(page);
  for (std::size_t i = 0; i < page->events.size(); ++i)
    EXPECT_EQ(page->events[i].seq, i + 1);
  EXPECT_EQ(page->next, page->events.size());
  EXPECT_EQ(KindsAfter(cursor), (std::vector<std::string>{"ContractCreated", "ContractUpdated",
                                                          "IPsFreed", "NodeContractCanceled"}));
}

TEST_F(Events, ResumeFromAnyCursor) {
  auto const all = KindsAfter(0);

  for (std::size_t cursor = 0; cursor <= all.size(); ++cursor) {
    std::vector<std::string> const tail(all.begin() + static_cast<std::ptrdiff_t>(cursor),
                                        all.end());
    EXPECT_EQ(KindsAfter(cursor), tail);
  }
}

TEST_F(Events, SayWhatTheyAreAbout) {
  auto const cursor = LastSeq();
  auto const id = Id(By(kAlice), Deploy(1));

  auto const page = ledger_->EventsAfter(cursor, 1);

  ASSERT_EQ(page->events.size(), 1);
  EXPECT_EQ(page->events[0].kind, EventKind::kContractCreated);
  EXPECT_EQ(page->events[0].node, kNode);
  EXPECT_EQ(page->events[0].contract, id);
  EXPECT_EQ(page->events[0].twin, kAlice);
  EXPECT_EQ(page->events[0].body.at("hash").as_string(), Hash(1));
}

TEST_F(Events, CursorOfAnotherLedgerIsTooOld) {
  auto const page = ledger_->EventsAfter(LastSeq() + 1, 10);

  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, Code::kConflict);
  EXPECT_EQ(NameOf(page.error()), "CursorTooOld");
}

TEST_F(Events, CursorBeforeTheHistoryIsTooOld) {
  auto const id = Id(By(kAlice), Deploy(1));
  clock_.now += 40 * 86'400;
  ASSERT_EQ(Name(By(kAlice), CancelContract{id}), "");

  EXPECT_FALSE(ledger_->EventsAfter(0, 10));
  EXPECT_EQ(KindsAfter(LastSeq() - 1), std::vector<std::string>{"NodeContractCanceled"});
}

TEST_F(Events, HeightCountsWrites) {
  auto const before = ledger_->GetHead()->height;

  Id(By(kAlice), Deploy(1));
  Name(By(kAlice), Deploy(1));  // refused

  EXPECT_EQ(ledger_->GetHead()->height, before + 1);
}

TEST_F(Events, WaitEndsAtTheTimeout) {
  EXPECT_FALSE(ledger_->Wait(LastSeq(), 10ms).value());
}

TEST_F(Events, WaitSeesWhatIsThere) {
  EXPECT_TRUE(ledger_->Wait(LastSeq() - 1, 0ms).value());
}

TEST_F(Events, WaitWakesOnAWriteOfThisProcess) {
  auto waiting = std::async(std::launch::async,
                            [this, cursor = LastSeq()] { return ledger_->Wait(cursor, 4s); });

  ASSERT_NE(Id(By(kAlice), Deploy(1)), 0);

  EXPECT_TRUE(waiting.get().value());
}

TEST_F(Events, WaitWakesOnAWriteThroughAnotherOpenLedger) {
  auto other = EmbeddedLedger::Open(path(), {.clock = &clock_});
  ASSERT_TRUE(other);
  auto const begin = std::chrono::steady_clock::now();
  auto waiting = std::async(std::launch::async,
                            [this, cursor = LastSeq()] { return ledger_->Wait(cursor, 20s); });

  ASSERT_TRUE((*other)->Submit(By(kAlice), Deploy(1)));

  EXPECT_TRUE(waiting.get().value());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 4s);  // not only by the look every 5 s
}

TEST_F(Events, InterruptEndsTheWait) {
  auto waiting = std::async(std::launch::async,
                            [this, cursor = LastSeq()] { return ledger_->Wait(cursor, 60s); });

  ledger_->Interrupt();

  EXPECT_FALSE(waiting.get().value());
}

}  // namespace
}  // namespace trellis::ledger
