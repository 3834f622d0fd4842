#include "tools/load/schedule.hpp"

#include "kernel/sys/files.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace trellis::load {
namespace {

TEST(LoadSchedule, KeepsAConstantRateOverWarmUpAndTimedPart) {
  Options options;
  options.mode = Mode::kOpen;
  options.rate = 100;
  options.warmup = 1;
  options.seconds = 2;

  auto const schedule = MakeSchedule(options);

  ASSERT_TRUE(schedule) << schedule.error().message;
  EXPECT_NEAR(static_cast<double>(schedule->due_us.size()), 300, 1);
  EXPECT_NEAR(schedule->due_us[7] - schedule->due_us[6], 10000, 0.01);
}

TEST(LoadSchedule, DrawsPoissonPausesOfTheGivenMean) {
  Options options;
  options.mode = Mode::kOpen;
  options.rate = 1000;
  options.poisson = true;
  options.warmup = 0;
  options.seconds = 20;

  auto const schedule = MakeSchedule(options);

  ASSERT_TRUE(schedule);
  EXPECT_NEAR(static_cast<double>(schedule->due_us.size()), 20000, 1000);
  EXPECT_TRUE(std::is_sorted(schedule->due_us.begin(), schedule->due_us.end()));
}

TEST(LoadSchedule, MixesByWeightAndRepeatsItself) {
  Options options;
  options.count = 10000;
  options.mix = {{Kind::kDeploy, 70}, {Kind::kGet, 30}};

  auto const schedule = MakeSchedule(options);

  auto const gets = std::count(schedule->kinds.begin(), schedule->kinds.end(), Kind::kGet);
  EXPECT_NEAR(static_cast<double>(gets), 3000, 200);
  EXPECT_EQ(MakeSchedule(options)->kinds, schedule->kinds);
}

TEST(LoadSchedule, ReplaysAFile) {
  testing::TempDir dir;
  ASSERT_TRUE(sys::WriteFileAtomic(dir / "replay", "0 deploy\n1.5 get\n30 version\n"));
  Options options;
  options.mode = Mode::kReplay;
  options.replay = dir / "replay";

  auto const schedule = MakeSchedule(options);

  ASSERT_TRUE(schedule) << schedule.error().message;
  EXPECT_EQ(schedule->kinds, (std::vector{Kind::kDeploy, Kind::kGet, Kind::kVersion}));
  EXPECT_EQ(schedule->due_us, (std::vector<double>{0, 1500, 30000}));
}

TEST(LoadSchedule, RefusesAReplayOutOfOrder) {
  testing::TempDir dir;
  ASSERT_TRUE(sys::WriteFileAtomic(dir / "replay", "5 deploy\n4 get\n"));
  Options options;
  options.mode = Mode::kReplay;
  options.replay = dir / "replay";

  auto const schedule = MakeSchedule(options);

  ASSERT_FALSE(schedule);
  EXPECT_EQ(schedule.error().code, Code::kDecode);
  EXPECT_TRUE(schedule.error().message.starts_with("line 2 of ")) << schedule.error().message;
}

}  // namespace
}  // namespace trellis::load
