#include "plugins/zlogs/daemon/backoff.hpp"

#include <gtest/gtest.h>

namespace trellis::plugins::zlogs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Backoff, DoublesToItsLimitAFifthMoreOrLess) {
  Backoff backoff(seconds(1));

  EXPECT_EQ(backoff.Next(0, milliseconds(0)), milliseconds(160));
  EXPECT_EQ(backoff.Next(1, milliseconds(0)), milliseconds(480));
  EXPECT_EQ(backoff.Next(0.5, milliseconds(0)), milliseconds(800));
  EXPECT_EQ(backoff.Next(0.5, milliseconds(0)), milliseconds(1000));
  EXPECT_EQ(backoff.Next(0.5, seconds(59)), milliseconds(1000));
  EXPECT_EQ(backoff.Longest(0.5), milliseconds(1000));
}

TEST(Backoff, BeginsAnewAfterAMinuteOfSuccess) {
  Backoff backoff(seconds(15));
  (void)backoff.Next(0.5, milliseconds(0));
  (void)backoff.Next(0.5, milliseconds(0));

  EXPECT_EQ(backoff.Next(0.5, seconds(60)), milliseconds(200));
}

TEST(Pace, LetsFourSecondsThroughAtOnceAndThenTheRate) {
  Pace::Clock::time_point const start{};
  Pace pace(1000, start);

  EXPECT_EQ(pace.Wait(4000, start).count(), 0);
  pace.Spend(4000);
  EXPECT_EQ(pace.Wait(500, start), milliseconds(501));
  EXPECT_EQ(pace.Wait(500, start + milliseconds(600)).count(), 0);
  EXPECT_EQ(pace.Wait(9000, start + seconds(60)).count(), 0);
}

}  // namespace
}  // namespace trellis::plugins::zlogs
