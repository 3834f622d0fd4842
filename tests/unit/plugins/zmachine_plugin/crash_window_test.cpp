#include "plugins/zmachine/crash_window.hpp"

#include <gtest/gtest.h>

namespace trellis::plugins::zmachine {
namespace {

constexpr std::int64_t kStart = 1'000'000;

TEST(CrashWindow, GivesUpAtTheFourthStopInTwoMinutes) {
  CrashWindow window({}, {});

  EXPECT_FALSE(window.Stopped(kStart));
  EXPECT_FALSE(window.Stopped(kStart + 10));
  EXPECT_FALSE(window.Stopped(kStart + 20));
  EXPECT_TRUE(window.Stopped(kStart + 30));
}

TEST(CrashWindow, ForgetsStopsThatAreTwoMinutesOld) {
  CrashWindow window({}, {});

  EXPECT_FALSE(window.Stopped(kStart));
  EXPECT_FALSE(window.Stopped(kStart + 50));
  EXPECT_FALSE(window.Stopped(kStart + 100));
  EXPECT_FALSE(window.Stopped(kStart + 150));
}

TEST(CrashWindow, CountsABurstOfRebootEventsOnce) {
  CrashWindow window({}, {});
  window.Started(kStart);

  for (int i = 0; i < 5; ++i)
    EXPECT_FALSE(window.Rebooted(kStart + 5));

  EXPECT_EQ(window.counts().counted.size(), 1U);
}

TEST(CrashWindow, DoesNotCountRebootsThatAreFarApart) {
  CrashWindow window({}, {});
  window.Started(kStart);

  for (std::int64_t i = 1; i <= 10; ++i)
    EXPECT_FALSE(window.Rebooted(kStart + i * 90));

  EXPECT_TRUE(window.counts().counted.empty());
}

TEST(CrashWindow, GivesUpOnARebootLoop) {
  CrashWindow window({}, {});
  window.Started(kStart);

  EXPECT_FALSE(window.Rebooted(kStart + 5));
  EXPECT_FALSE(window.Rebooted(kStart + 10));
  EXPECT_FALSE(window.Rebooted(kStart + 15));
  EXPECT_TRUE(window.Rebooted(kStart + 20));
}

TEST(CrashWindow, WaitsLongerWithEveryStop) {
  CrashWindow window({}, {});

  (void)window.Stopped(kStart);
  EXPECT_EQ(window.RestartDelay().count(), 1);
  (void)window.Stopped(kStart);
  EXPECT_EQ(window.RestartDelay().count(), 2);
  (void)window.Stopped(kStart);
  EXPECT_EQ(window.RestartDelay().count(), 4);
}

}  // namespace
}  // namespace trellis::plugins::zmachine
