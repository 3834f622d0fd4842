#include "kernel/api/pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace trellis::api {
namespace {

TEST(Pool, RunsEverythingBeforeItEnds) {
  std::atomic<int> done{0};
  {
    Pool pool("test", 4, 1000);
    for (int i = 0; i < 500; ++i)
      ASSERT_TRUE(pool.Post([&done] { ++done; }));
  }

  EXPECT_EQ(done, 500);
}

TEST(Pool, RefusesAboveItsQueue) {
  std::latch release(1);
  Pool pool("test", 1, 2);
  std::latch started(1);
  ASSERT_TRUE(pool.Post([&] {
    started.count_down();
    release.wait();
  }));
  started.wait();

  EXPECT_TRUE(pool.Post([] {}));
  EXPECT_TRUE(pool.Post([] {}));
  EXPECT_FALSE(pool.Post([] {}));
  release.count_down();
}

TEST(Pool, UsesSeveralThreads) {
  std::latch together(3);
  Pool pool("test", 3, 10);

  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(pool.Post([&together] { together.arrive_and_wait(); }));

  together.wait();  // would never end on fewer threads
}

}  // namespace
}  // namespace trellis::api
