// Only in builds with fail points.
#include "kernel/base/fail_point.hpp"

#include "tests/support/patience.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

namespace trellis::fail_point {
namespace {

Result<int> Work() {
  TRELLIS_FAIL_POINT("work.middle");
  return 1;
}

class FailPoint : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_TRUE(Arm("")); }
};

TEST_F(FailPoint, DoesNothingUnlessArmed) {
  ASSERT_TRUE(Arm("other=error"));

  EXPECT_TRUE(Work());
}

TEST_F(FailPoint, FailsEachTimeOrTheNthTime) {
  ASSERT_TRUE(Arm("work.middle=error"));
  EXPECT_EQ(Work().error().code, Code::kUnavailable);
  EXPECT_FALSE(Work());

  ASSERT_TRUE(Arm("work.middle=error@2"));
  EXPECT_TRUE(Work());
  EXPECT_FALSE(Work());
  EXPECT_TRUE(Work());
}

TEST_F(FailPoint, CountsWhatWasReached) {
  auto const before = Count()["work.middle"];

  EXPECT_TRUE(Work());

  EXPECT_EQ(Count()["work.middle"], before + 1);
}

TEST_F(FailPoint, PausesUntilArmedAnew) {
  ASSERT_TRUE(Arm("work.middle=pause"));
  bool done = false;
  std::jthread worker([&] { done = Work().has_value(); });

  ASSERT_TRUE(WaitPaused("work.middle", testing::kPatience));
  EXPECT_FALSE(done);
  ASSERT_TRUE(Arm(""));
  worker.join();

  EXPECT_TRUE(done);
}

TEST_F(FailPoint, EndsTheProcess) {
  EXPECT_EXIT(
      {
        static_cast<void>(Arm("work.middle=kill@2"));
        static_cast<void>(Work());
        static_cast<void>(Work());
      },
      ::testing::KilledBySignal(SIGKILL), "");
}

TEST_F(FailPoint, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(Arm("work.middle").error().code, Code::kInvalid);
  EXPECT_EQ(Arm("work.middle=explode").error().code, Code::kInvalid);
  EXPECT_FALSE(Arm("work.middle=kill@x"));
}

}  // namespace
}  // namespace trellis::fail_point
