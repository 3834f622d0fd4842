#include "kernel/ledger/embedded/blocks.hpp"

#include "kernel/store/query.hpp"
#include "tests/unit/kernel/ledger/world.hpp"

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

}  // namespace
}  // namespace trellis::ledger
