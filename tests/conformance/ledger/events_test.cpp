#include "tests/conformance/ledger/suite.hpp"
#include "tests/support/patience.hpp"

#include <algorithm>
#include <functional>
#include <future>
#include <thread>

namespace trellis::ledger {
namespace {

using namespace std::chrono_literals;

/// A write through `writing` ends a wait at `waiting`, and sooner than a look now and then would.
/// The machine may be busy: once of a few times is enough.
void ExpectWoken(Ledger& waiting, Ledger& writing, std::function<std::uint64_t()> const& last_seq) {
  constexpr unsigned kTimes = 5;
  std::chrono::nanoseconds soonest = testing::kPatience;
  for (unsigned i = 1; i <= kTimes && soonest >= 4s; ++i) {
    auto const begin = std::chrono::steady_clock::now();
    auto woken = std::async(std::launch::async, [&waiting, cursor = last_seq()] {
      return waiting.Wait(cursor, testing::kPatience);
    });
    ASSERT_TRUE(writing.Submit(By(kAlice), Deploy(i)));
    ASSERT_TRUE(woken.get().value());
    soonest = std::min<std::chrono::nanoseconds>(soonest, std::chrono::steady_clock::now() - begin);
  }
  EXPECT_LT(soonest, 4s);
}

TEST_P(LedgerSuite, EventsAreInOrder) {
  AddIps();
  auto const cursor = LastSeq();
  auto const id = Id(By(kAlice), Deploy(1, 1));
  Name(By(kAlice), Deploy(1));  // refused: no event
  Name(By(kAlice), UpdateNodeContract{.contract = id, .hash = Hash(2), .data = ""});
  Name(By(kAlice), CancelContract{id});

  EXPECT_EQ(KindsAfter(cursor), (std::vector<std::string>{"ContractCreated", "ContractUpdated",
                                                          "IPsFreed", "NodeContractCanceled"}));
}

TEST_P(LedgerSuite, EventNumbersCountOrAtLeastGrow) {
  auto const last = LastSeq();

  auto const page = ledger_->EventsAfter(0, 1000);

  ASSERT_TRUE(page) << page.error().message;
  ASSERT_FALSE(page->events.empty());
  std::uint64_t before = 0;
  for (auto const& event : page->events) {
    EXPECT_GT(event.seq, before);
    if (abilities_.counts) {
      EXPECT_EQ(event.seq, before + 1);
    }
    before = event.seq;
  }
  EXPECT_EQ(page->next, last);
}

TEST_P(LedgerSuite, EventsResumeFromAnyCursor) {
  auto const all = KindsAfter(0);
  auto const page = ledger_->EventsAfter(0, 1000);
  ASSERT_EQ(page->events.size(), all.size());

  for (std::size_t i = 0; i < all.size(); ++i) {
    std::vector<std::string> const tail(all.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                        all.end());
    EXPECT_EQ(KindsAfter(page->events[i].seq), tail);
  }
}

TEST_P(LedgerSuite, EventsSayWhatTheyAreAbout) {
  auto const cursor = LastSeq();
  auto const id = Id(By(kAlice), Deploy(1));

  place_->CatchUp(*ledger_);
  auto const page = ledger_->EventsAfter(cursor, 1);

  ASSERT_EQ(page->events.size(), 1);
  EXPECT_EQ(page->events[0].kind, EventKind::kContractCreated);
  EXPECT_EQ(page->events[0].node, kNode);
  EXPECT_EQ(page->events[0].contract, id);
  EXPECT_EQ(page->events[0].twin, kAlice);
  EXPECT_EQ(page->events[0].body.at("hash").as_string(), Hash(1));
}

TEST_P(LedgerSuite, CursorOfAnotherLedgerIsTooOld) {
  auto const page = ledger_->EventsAfter(LastSeq() + 1, 10);

  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, Code::kConflict);
  EXPECT_EQ(NameOf(page.error()), "CursorTooOld");
}

TEST_P(LedgerSuite, CursorBeforeTheHistoryIsTooOld) {
  auto const id = Id(By(kAlice), Deploy(1));
  auto const cursor = LastSeq();
  clock_.now += 40 * 86'400;
  ASSERT_EQ(Name(By(kAlice), CancelContract{id}), "");

  auto const page = ledger_->EventsAfter(0, 10);
  ASSERT_FALSE(page);
  EXPECT_EQ(NameOf(page.error()), "CursorTooOld");
  EXPECT_EQ(KindsAfter(cursor), std::vector<std::string>{"NodeContractCanceled"});
}

TEST_P(LedgerSuite, HeightCountsWritesOrAtLeastGrows) {
  auto const before = ledger_->GetHead()->height;

  Id(By(kAlice), Deploy(1));
  Name(By(kAlice), Deploy(1));  // refused

  auto const after = ledger_->GetHead()->height;
  EXPECT_GT(after, before);
  if (abilities_.counts) {
    EXPECT_EQ(after, before + 1);
  }
}

TEST_P(LedgerSuite, WaitEndsAtTheTimeout) {
  EXPECT_FALSE(ledger_->Wait(LastSeq(), 10ms).value());
}

TEST_P(LedgerSuite, WaitSeesWhatIsThere) {
  EXPECT_TRUE(ledger_->Wait(LastSeq() - 1, 0ms).value());
}

TEST_P(LedgerSuite, WaitWakesOnAWriteOfThisProcess) {
  ExpectWoken(*ledger_, *ledger_, [this] { return LastSeq(); });
}

TEST_P(LedgerSuite, WaitWakesOnAWriteThroughAnotherOpenLedger) {
  auto const other = Another();
  ASSERT_TRUE(other);
  ExpectWoken(*ledger_, *other, [this] { return LastSeq(); });
}

TEST_P(LedgerSuite, InterruptEndsTheWait) {
  auto waiting = std::async(std::launch::async, [this, cursor = LastSeq()] {
    return ledger_->Wait(cursor, testing::kPatience);
  });

  ledger_->Interrupt();

  EXPECT_FALSE(waiting.get().value());
}

}  // namespace
}  // namespace trellis::ledger
