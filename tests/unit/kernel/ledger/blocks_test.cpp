#include "kernel/ledger/embedded/blocks.hpp"

#include "kernel/ledger/embedded/block_maker.hpp"
#include "kernel/store/query.hpp"
#include "tests/unit/kernel/ledger/world.hpp"

#include <functional>
#include <thread>
#include <vector>

namespace trellis::ledger {
namespace {

using store::Database;

class Blocks : public World {
 protected:
  std::uint64_t Height() { return ledger_->GetHead().value().height; }
  Result<embedded::Block> BlockAt(std::uint64_t height) {
    return ledger_->Snapshot([&](Database& db) { return embedded::ReadBlock(db, height); });
  }
  void ExpectLinked(std::uint64_t from) {
    for (auto height = from; height <= Height(); ++height) {
      auto const block = BlockAt(height);
      ASSERT_TRUE(block) << block.error().message;
      EXPECT_EQ(block->header.parent, BlockAt(height - 1).value().hash) << height;
      EXPECT_EQ(substrate::HashOf(block->header), block->hash) << height;
    }
  }
};

TEST_F(Blocks, EveryWriteIsOneOnTopOfTheLast) {
  ExpectLinked(1);
  EXPECT_EQ(BlockAt(0).value().hash, ledger_->genesis().bytes);
}

TEST_F(Blocks, ARefusedWriteIsNone) {
  auto const before = Height();
  EXPECT_EQ(Name(By(kAlice), CancelContract{.contract = 9}), "ContractNotExists");
  EXPECT_EQ(Height(), before);
  EXPECT_FALSE(BlockAt(before + 1));
}

TEST_F(Blocks, KnowTheirEvents) {
  auto const before = LastSeq();
  ASSERT_EQ(Name(By(kAlice), Deploy(1)), "");
  auto const block = BlockAt(Height()).value();
  EXPECT_EQ(block.first_seq, before);
  EXPECT_EQ(block.last_seq, LastSeq());
}

TEST_F(Blocks, OldOnesAreForgottenTheNewestStays) {
  constexpr std::int64_t kLater = std::int64_t{86'400} * 40;
  auto const old = Height();
  clock_.now += kLater;
  for (std::uint64_t i = 0; i <= old; ++i)
    ASSERT_EQ(Name(By(kAlice), UpdateTwin{}), "");
  EXPECT_FALSE(BlockAt(1));
  EXPECT_FALSE(BlockAt(old));
  EXPECT_TRUE(BlockAt(old + 1));
  ExpectLinked(old + 2);
}

TEST_F(Blocks, ALedgerFromBeforeThemGoesOn) {
  auto const height = Height();
  ledger_.reset();
  {
    auto const db = Database::Open(path(), Database::Mode::kReadWrite).value();
    ASSERT_TRUE(db->Exec("DROP TABLE block; DROP TABLE nonce; PRAGMA user_version = 1;"));
  }
  Reopen();
  EXPECT_EQ(Height(), height);
  ASSERT_EQ(Name(By(kAlice), Deploy(1)), "");
  EXPECT_EQ(BlockAt(height).value().hash, ledger_->genesis().bytes);
  ExpectLinked(height + 1);
}

/// One transaction of several writes.
class BlocksOfATransaction : public Blocks {
 protected:
  static constexpr std::int64_t kKeep = 86'400;
  using Work = std::function<Result<void>(embedded::Txn&)>;

  void SetUp() override {
    Blocks::SetUp();
    db_ = Database::Open(path(), Database::Mode::kReadWrite).value();
    maker_ = std::make_unique<embedded::BlockMaker>(clock_, kKeep, rules::PrivateRanges::kAllowed);
    before_ = Height();
    ASSERT_TRUE(db_->Begin(Database::Transaction::kWrite));
    ASSERT_TRUE(maker_->Begin(*db_));
  }
  void Commit() {
    ASSERT_TRUE(maker_->End(*db_));
    db_->EndReads();
    ASSERT_TRUE(db_->Commit());
  }
  static Work Makes(unsigned n) {
    return [n](embedded::Txn& txn) -> Result<void> {
      TRELLIS_CHECK(embedded::Apply(txn, Call(Deploy(n))));
      return {};
    };
  }
  static Result<void> Signs(embedded::Txn& txn) {
    txn.extrinsic = {1, 2, 3};
    return {};
  }
  static Result<void> Fails(embedded::Txn& txn) {
    TRELLIS_CHECK(Makes(9)(txn));
    return Fail(Code::kDenied, "no");
  }

  std::unique_ptr<Database> db_;
  std::unique_ptr<embedded::BlockMaker> maker_;
  std::uint64_t before_ = 0;
};

TEST_F(BlocksOfATransaction, AreOneForAllWrites) {
  auto const seq = LastSeq();
  EXPECT_TRUE(maker_->Write(*db_, By(kAlice), Makes(1)));
  EXPECT_TRUE(maker_->Write(*db_, By(kAlice), Makes(2)));
  Commit();

  EXPECT_EQ(Height(), before_ + 1);
  auto const block = BlockAt(Height()).value();
  EXPECT_EQ(block.first_seq, seq);
  EXPECT_EQ(block.last_seq, LastSeq());
  EXPECT_GE(block.last_seq, seq + 2);
  ExpectLinked(before_);
}

TEST_F(BlocksOfATransaction, AreSeparateForWhatWantsItsOwn) {
  EXPECT_TRUE(maker_->Write(*db_, By(kAlice), Makes(1)));
  EXPECT_TRUE(maker_->WriteOwn(*db_, By(kAlice), Signs));
  EXPECT_TRUE(maker_->WriteOwn(*db_, By(kAlice), Signs));
  EXPECT_TRUE(maker_->Write(*db_, By(kAlice), Makes(2)));
  Commit();

  ASSERT_EQ(Height(), before_ + 4);
  EXPECT_TRUE(BlockAt(before_ + 1)->extrinsic.empty());
  EXPECT_EQ(BlockAt(before_ + 2)->extrinsic.size(), 3U);
  EXPECT_EQ(BlockAt(before_ + 3)->extrinsic.size(), 3U);
  EXPECT_EQ(BlockAt(before_ + 3)->first_seq, BlockAt(before_ + 3)->last_seq);
  EXPECT_EQ(BlockAt(before_ + 4)->last_seq, LastSeq());
  ExpectLinked(before_);
}

TEST_F(BlocksOfATransaction, GoOnAfterOneThatIsUndone) {
  EXPECT_TRUE(maker_->Write(*db_, By(kAlice), Makes(1)));
  ASSERT_TRUE(db_->Savepoint(Database::SavepointStep::kOpen));
  EXPECT_FALSE(maker_->WriteOwn(*db_, By(kAlice), Fails));
  db_->EndReads();
  ASSERT_TRUE(db_->Savepoint(Database::SavepointStep::kRollBack));
  ASSERT_TRUE(db_->Savepoint(Database::SavepointStep::kRelease));
  EXPECT_TRUE(maker_->Write(*db_, By(kAlice), Makes(2)));
  Commit();

  EXPECT_EQ(Height(), before_ + 1);
  EXPECT_EQ(BlockAt(Height())->last_seq, LastSeq());
  ExpectLinked(before_);
}

TEST_F(BlocksOfATransaction, AreNoneWhenNothingSucceeds) {
  EXPECT_FALSE(maker_->Write(
      *db_, By(kAlice), [](embedded::Txn&) -> Result<void> { return Fail(Code::kDenied, "no"); }));
  Commit();

  EXPECT_EQ(Height(), before_);
}

TEST_F(Blocks, HoldEveryEventOfWritesAtTheSameTime) {
  constexpr unsigned kThreads = 8;
  constexpr unsigned kWrites = 20;
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < kThreads; ++t)
    threads.emplace_back([this, t] {
      for (unsigned i = 0; i < kWrites; ++i) {
        if (t % 2 == 0) {
          EXPECT_EQ(Name(By(kAlice), Deploy(100 + t * kWrites + i)), "");
        } else {
          EXPECT_TRUE(ledger_->Transact(By(kAlice), [](embedded::Txn& txn) -> Result<void> {
            txn.extrinsic = {7};
            return {};
          }));
        }
        EXPECT_EQ(Name(By(kAlice), CancelContract{.contract = 99'999}), "ContractNotExists");
      }
    });
  threads.clear();

  ExpectLinked(1);
  std::uint64_t extrinsics = 0;
  for (std::uint64_t height = 1; height <= Height(); ++height) {
    auto const block = BlockAt(height).value();
    EXPECT_EQ(block.first_seq, BlockAt(height - 1)->last_seq) << height;
    extrinsics += block.extrinsic.empty() ? 0 : 1;
  }
  EXPECT_EQ(BlockAt(Height())->last_seq, LastSeq());
  EXPECT_EQ(extrinsics, kThreads / 2 * kWrites);
}

}  // namespace
}  // namespace trellis::ledger
