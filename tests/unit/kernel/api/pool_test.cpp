#include "kernel/api/pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <utility>

namespace trellis::api {
namespace {

TEST(Pool, RunsEverythingBeforeItEnds) {
  std::atomic<int> done{0};
  {
    Pool pool("test", 4, QueueLimits());
    for (int i = 0; i < 500; ++i)
      ASSERT_TRUE(pool.Post({}, [&done] { ++done; }));
  }

  EXPECT_EQ(done, 500);
}

/// A pool of one thread that is kept busy.
class FullPool : public ::testing::Test {
 protected:
  void Fill(QueueLimits const& limits) {
    pool_ = std::make_unique<Pool>("test", 1, limits);
    ASSERT_TRUE(pool_->Post({7, 10}, [&] {
      started_.count_down();
      release_.wait();
    }));
    started_.wait();
  }
  bool Post(std::uint32_t twin, std::size_t bytes) {
    return pool_->Post({twin, bytes}, [] {});
  }
  void Release() {
    if (!std::exchange(released_, true)) release_.count_down();
  }
  void TearDown() override { Release(); }

  bool released_ = false;
  std::latch release_{1};
  std::latch started_{1};
  std::unique_ptr<Pool> pool_;
};

TEST_F(FullPool, RefusesRequestsAboveItsQueue) {
  Fill({.requests = 2});

  EXPECT_TRUE(Post(1, 1));
  EXPECT_TRUE(Post(2, 1));
  EXPECT_FALSE(Post(3, 1));
}

TEST_F(FullPool, RefusesBytesAboveItsQueue) {
  Fill({.bytes = 100});

  EXPECT_TRUE(Post(1, 60));
  EXPECT_FALSE(Post(2, 41));
  EXPECT_TRUE(Post(3, 40));
}

TEST_F(FullPool, RefusesOneTwinAboveItsShareAndTakesOthers) {
  Fill({.per_twin = 2});

  EXPECT_TRUE(Post(7, 1)) << "a running request does not count";
  EXPECT_TRUE(Post(7, 1));
  EXPECT_FALSE(Post(7, 1));
  EXPECT_TRUE(Post(8, 1));
  EXPECT_TRUE(Post(0, 1));
  EXPECT_TRUE(Post(0, 1));
  EXPECT_TRUE(Post(0, 1)) << "nobody's requests have no share";
}

TEST_F(FullPool, TakesAgainWhatItRefusedOnceTheQueueIsShorter) {
  Fill({.bytes = 100, .per_twin = 1});
  std::latch ran(1);
  ASSERT_TRUE(pool_->Post({7, 100}, [&] { ran.count_down(); }));
  ASSERT_FALSE(Post(7, 1));

  Release();
  ran.wait();

  EXPECT_TRUE(Post(7, 100));
}

TEST(Pool, UsesSeveralThreads) {
  std::latch together(3);
  Pool pool("test", 3, QueueLimits());

  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(pool.Post({}, [&together] { together.arrive_and_wait(); }));

  together.wait();  // would never end on fewer threads
}

TEST(QueueLimits, HaveTheNodesDefaults) {
  QueueLimits const limits;

  EXPECT_EQ(limits.requests, 2048U);
  EXPECT_EQ(limits.bytes, std::size_t{16} << 20U);
  EXPECT_EQ(limits.per_twin, 64U);
}

}  // namespace
}  // namespace trellis::api
