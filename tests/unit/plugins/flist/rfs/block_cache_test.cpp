#include "plugins/flist/rfs/block_cache.hpp"

#include "tests/support/image_tree.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>

namespace trellis::plugins::flist {
namespace {

namespace fs = std::filesystem;
using testing::TempDir;

class BlockCacheTest : public ::testing::Test {
 protected:
  std::string Read(std::size_t size) {
    auto const fd = cache_.Open(ref_, size);
    return fd ? ReadAll(fd->get(), kBlockBytes).value_or("") : "error: " + fd.error().message;
  }
  [[nodiscard]] std::string file() const { return FileOf(ref_); }
  [[nodiscard]] std::string FileOf(BlockRef const& ref) const {
    auto const name = BlockCache::NameOf(ref);
    return dir_ / fmt::format("cache/{}/{}/{}", name.substr(0, 2), name.substr(2, 2), name);
  }
  void MakeOld(std::string const& path, std::chrono::hours age) const {
    fs::last_write_time(path, fs::file_time_type::clock::now() - age);
  }

  TempDir dir_;
  std::atomic<int> fetched_ = 0;
  Result<std::string> content_ = std::string("plain");
  BlockRef ref_{Digest{1, 2}, Digest{}};
  BlockCache cache_{dir_ / "cache", [this](BlockRef const&) {
                      ++fetched_;
                      return content_;
                    }};
};

TEST_F(BlockCacheTest, FetchesABlockOnce) {
  EXPECT_EQ(Read(5), "plain");
  EXPECT_EQ(Read(5), "plain");

  EXPECT_EQ(fetched_, 1);
  EXPECT_TRUE(testing::Exists(file()));
}

TEST_F(BlockCacheTest, FetchesOnceForManyThreads) {
  std::vector<std::jthread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([this] { EXPECT_EQ(Read(5), "plain"); });
  threads.clear();

  EXPECT_EQ(fetched_, 1);
}

TEST_F(BlockCacheTest, TornFileIsFetchedAgain) {
  ASSERT_EQ(Read(5), "plain");
  testing::WriteText(file(), "pla");

  EXPECT_EQ(Read(5), "plain");
  EXPECT_EQ(fetched_, 2);
}

TEST_F(BlockCacheTest, BlockOfAnotherLengthIsRefusedAndNotKept) {
  EXPECT_EQ(Read(6), "error: block '" + HexOf(ref_.id) + "' has 5 bytes instead of 6");
  EXPECT_FALSE(testing::Exists(file()));
}

TEST_F(BlockCacheTest, FailureIsNotRemembered) {
  content_ = Fail(Code::kUnavailable, "away");
  ASSERT_EQ(Read(5), "error: away");
  content_ = std::string("plain");

  EXPECT_EQ(Read(5), "plain");
}

// An image that names a block without knowing its key must not get it from the cache.
TEST_F(BlockCacheTest, BlockIsNotFoundByAnotherKey) {
  ASSERT_EQ(Read(5), "plain");
  content_ = Fail(Code::kDecode, "the key is not its own");
  ref_.key = Digest{9};

  EXPECT_EQ(Read(5), "error: the key is not its own");
}

TEST_F(BlockCacheTest, KeepsToItsLimitAndLetsTheOldestGo) {
  std::vector<BlockRef> refs;
  for (unsigned char i = 0; i < 10; ++i) {
    ref_.id = Digest{i};
    ASSERT_EQ(Read(5), "plain");
    MakeOld(file(), std::chrono::hours(i));
    refs.push_back(ref_);
  }
  struct stat info {};
  ASSERT_EQ(::stat(file().c_str(), &info), 0);
  auto const each = static_cast<std::uint64_t>(info.st_blocks) * 512;  // more than its five bytes
  constexpr std::size_t kMany = 1000;

  EXPECT_EQ(BlockCache::Trim(dir_ / "cache", 10 * each, kMany), 0U);
  EXPECT_EQ(BlockCache::Trim(dir_ / "cache", 8 * each, kMany), 3U);  // to nine tenths of it

  for (std::size_t i = 0; i < refs.size(); ++i)
    EXPECT_EQ(testing::Exists(FileOf(refs[i])), i < 7) << i;
}

TEST_F(BlockCacheTest, KeepsToANumberOfBlocksAndLeavesWhatIsBeingWritten) {
  for (unsigned char i = 0; i < 10; ++i) {
    ref_.id = Digest{i};
    ASSERT_EQ(Read(5), "plain");
  }
  auto const temp = dir_ / "cache/01/02/.new-abcdef";
  testing::WriteText(temp, "x");
  MakeOld(temp, std::chrono::hours(100));

  EXPECT_EQ(BlockCache::Trim(dir_ / "cache", 1U << 30U, 10), 0U);
  EXPECT_EQ(BlockCache::Trim(dir_ / "cache", 1U << 30U, 5), 5U);
  EXPECT_TRUE(testing::Exists(temp));
}

TEST_F(BlockCacheTest, RemovesOnlyWhatNobodyReadForLong) {
  ASSERT_EQ(Read(5), "plain");
  auto const other = dir_ / "cache/ff/ff/other";
  testing::WriteText(other, "x");
  MakeOld(other, std::chrono::hours(100));
  MakeOld(file(), std::chrono::hours(50));

  EXPECT_EQ(BlockCache::RemoveOld(dir_ / "cache", std::chrono::hours(60)), 1U);

  EXPECT_TRUE(testing::Exists(file()));
  EXPECT_FALSE(testing::Exists(other));
}

TEST_F(BlockCacheTest, ReadingMakesABlockYoungAgain) {
  ASSERT_EQ(Read(5), "plain");
  MakeOld(file(), std::chrono::hours(100));
  ASSERT_EQ(Read(5), "plain");

  EXPECT_EQ(BlockCache::RemoveOld(dir_ / "cache", std::chrono::hours(60)), 0U);
}

TEST_F(BlockCacheTest, RemovesWhatWasLeftHalfWritten) {
  auto const temp = dir_ / "cache/01/02/.new-abcdef";
  testing::WriteText(temp, "x");
  MakeOld(temp, std::chrono::hours(2));

  EXPECT_EQ(BlockCache::RemoveOld(dir_ / "cache", std::chrono::hours(60)), 1U);
}

TEST_F(BlockCacheTest, NoCacheHasNothingOld) {
  EXPECT_EQ(BlockCache::RemoveOld(dir_ / "none", std::chrono::hours(1)), 0U);
}

}  // namespace
}  // namespace trellis::plugins::flist
