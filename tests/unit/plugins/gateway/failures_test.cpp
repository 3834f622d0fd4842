#include "plugins/gateway/acme/failures.hpp"

#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace trellis::plugins::gateway {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class Failures : public ::testing::Test {
 protected:
  [[nodiscard]] std::string file() const { return dir_ / "failures.json"; }

  trellis::testing::TempDir dir_;
  OrderFailures::Clock::time_point now_{hours(24 * 365 * 50)};
};

TEST_F(Failures, AreNoMoreThanFiveInAnHour) {
  seconds passed{0};
  unsigned failures = 0;
  while (passed < hours(1))
    passed += PauseAfter(++failures);

  EXPECT_LE(failures, 5U);
  EXPECT_EQ(PauseAfter(1), minutes(2));
  EXPECT_EQ(PauseAfter(100), hours(12));
}

TEST_F(Failures, AreRememberedOverARestart) {
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(OrderFailures(file()).Failed("a.example.org", seconds(0), now_));

  OrderFailures again(file());
  EXPECT_EQ(again.Next("a.example.org", now_), now_ + minutes(8));
  EXPECT_LE(again.Next("b.example.org", now_), now_);
}

TEST_F(Failures, AreForgottenAfterASuccess) {
  OrderFailures failures(file());
  ASSERT_TRUE(failures.Failed("a.example.org", seconds(0), now_));

  ASSERT_TRUE(failures.Succeeded("a.example.org"));

  EXPECT_LE(OrderFailures(file()).Next("a.example.org", now_), now_);
}

TEST_F(Failures, WaitAsLongAsTheAuthorityAsks) {
  OrderFailures failures(file());
  ASSERT_TRUE(failures.Failed("a.example.org", hours(3), now_));
  EXPECT_EQ(failures.Next("a.example.org", now_), now_ + hours(3));

  ASSERT_TRUE(failures.Failed("b.example.org", hours(1000), now_));
  EXPECT_EQ(failures.Next("b.example.org", now_), now_ + hours(12));
}

TEST_F(Failures, OfAClockThatWasAheadAreNotWaitedForLonger) {
  ASSERT_TRUE(OrderFailures(file()).Failed("a.example.org", seconds(0), now_ + hours(9000)));

  EXPECT_EQ(OrderFailures(file()).Next("a.example.org", now_), now_ + hours(12));
}

TEST_F(Failures, CountForNothingWhenTheyCannotBeRead) {
  std::ofstream(file()) << "[{";

  EXPECT_LE(OrderFailures(file()).Next("a.example.org", now_), now_);
}

}  // namespace
}  // namespace trellis::plugins::gateway
