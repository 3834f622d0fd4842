#include "plugins/flist/rfs/block_source.hpp"

#include "tests/support/image_tree.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace trellis::plugins::flist {
namespace {

using testing::TempDir;

StoreRules const kAnywhere{{"/"}};

/// A block whose id begins with a byte of that half.
SealedBlock BlockOf(bool upper) {
  for (int i = 0;; ++i) {
    auto block = SealBlock(fmt::format("content {}", i));
    if ((block->ref.id[0] >= 0x80) == upper) return *block;
  }
}

class BlockSourceTest : public ::testing::Test {
 protected:
  [[nodiscard]] Route To(char const* store, std::uint8_t first, std::uint8_t last) const {
    return {first, last, "dir://" + (dir_ / store)};
  }

  TempDir dir_;
  SealedBlock low_ = BlockOf(false);
  SealedBlock high_ = BlockOf(true);
};

TEST_F(BlockSourceTest, BothHalvesAreReadWhileOneStoreIsDown) {
  BlockSource all({To("a", 0, 0x7f), To("b", 0x80, 0xff), To("c", 0, 0xff)}, kAnywhere);
  ASSERT_TRUE(all.Keep(low_) && all.Keep(high_));
  std::filesystem::remove_all(dir_ / "a");

  for (int i = 0; i < 20; ++i) {  // whatever the order
    EXPECT_TRUE(all.Fetch(low_.ref));
    EXPECT_TRUE(all.Fetch(high_.ref));
  }
}

TEST_F(BlockSourceTest, BlocksOfNoRangeAreNotRoutable) {
  BlockSource half({To("a", 0, 0x7f)}, kAnywhere);

  EXPECT_EQ(half.Fetch(high_.ref).error().message,
            "block '" + HexOf(high_.ref.id) + "': key is not routable");
  EXPECT_EQ(half.Keep(high_).error().code, Code::kInvalid);
}

TEST_F(BlockSourceTest, StoreWithDamagedBlockIsPassedOver) {
  BlockSource both({To("a", 0, 255), To("b", 0, 255)}, kAnywhere);
  ASSERT_TRUE(both.Keep(low_));
  auto const name = HexOf(low_.ref.id);
  testing::WriteText(dir_ / ("a/" + name.substr(0, 2) + "/" + name), "damaged but long enough");

  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(both.Fetch(low_.ref));
}

TEST_F(BlockSourceTest, StoresThatCannotBeOpenedFailTheirBlocksOnly) {
  BlockSource both({{0, 255, "gopher://x"}, To("b", 0, 255)}, kAnywhere);
  BlockSource good({To("b", 0, 255)}, kAnywhere);
  ASSERT_TRUE(good.Keep(low_));

  EXPECT_TRUE(both.Fetch(low_.ref));
  EXPECT_FALSE(both.Fetch(high_.ref));
}

TEST(ParseRoute, TakesRangesAndPlainUrls) {
  EXPECT_EQ(ParseRoute("00-7f=dir:///a")->last, 0x7f);
  EXPECT_EQ(ParseRoute("dir:///a-b=c")->url, "dir:///a-b=c");
  EXPECT_EQ(ParseRoute("dir:///a")->first, 0);
  EXPECT_EQ(ParseRoute("80-7f=dir:///a").error().code, Code::kInvalid);
  EXPECT_EQ(ParseRoute("0x-7f=dir:///a").error().code, Code::kInvalid);
}

}  // namespace
}  // namespace trellis::plugins::flist
