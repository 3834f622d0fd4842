#include "kernel/engine/waiters.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

namespace trellis::engine {
namespace {

using std::chrono::seconds;

TEST(Waiters, AskOnceAtLeast) {
  Waiters waiters;

  EXPECT_TRUE(waiters.Wait(seconds(0), [] { return true; }));
  EXPECT_FALSE(waiters.Wait(seconds(0), [] { return false; }));
}

TEST(Waiters, AskAgainWhenSomethingHappened) {
  Waiters waiters;
  std::atomic<bool> ready = false;
  std::latch asked(1);
  std::jthread const teller([&] {
    asked.wait();
    ready = true;
    waiters.Tell();
  });
  bool first = true;

  EXPECT_TRUE(waiters.Wait(seconds(60), [&] {
    bool const now = ready;
    if (std::exchange(first, false)) asked.count_down();
    return now;
  }));
}

TEST(Waiters, EndWhenNobodyIsToWaitAnyMore) {
  Waiters waiters;
  std::latch asked(1);
  std::jthread const closer([&] {
    asked.wait();
    waiters.Close();
  });
  bool first = true;

  EXPECT_FALSE(waiters.Wait(seconds(60), [&] {
    if (std::exchange(first, false)) asked.count_down();
    return false;
  }));
  EXPECT_FALSE(waiters.Wait(seconds(60), [] { return false; }));
}

}  // namespace
}  // namespace trellis::engine
