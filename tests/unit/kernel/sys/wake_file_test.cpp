#include "kernel/sys/wake_file.hpp"

#include "tests/support/patience.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <future>

namespace trellis::sys {
namespace {

using namespace std::chrono_literals;

class WakeFileTest : public ::testing::Test {
 protected:
  testing::TempDir dir_;
  Result<WakeFile> file_ = WakeFile::Open(dir_ / "wake");
};

TEST_F(WakeFileTest, RemembersANotificationBeforeTheWait) {
  auto waiter = WakeWaiter::Open(dir_ / "wake");
  ASSERT_TRUE(waiter);

  file_->Notify();

  EXPECT_TRUE(waiter->Wait(testing::kPatience).value());
  EXPECT_FALSE(waiter->Wait(0ms).value());
}

TEST_F(WakeFileTest, WakesEveryWaiter) {
  auto first = WakeWaiter::Open(dir_ / "wake");
  auto second = WakeWaiter::Open(dir_ / "wake");
  auto waiting =
      std::async(std::launch::async, [&] { return first->Wait(testing::kPatience).value(); });

  file_->Notify();

  EXPECT_TRUE(waiting.get());
  EXPECT_TRUE(second->Wait(testing::kPatience).value());
}

TEST_F(WakeFileTest, InterruptEndsTheWait) {
  auto waiter = WakeWaiter::Open(dir_ / "wake");
  auto const interrupt = InterruptFlag::Make();
  auto waiting = std::async(std::launch::async, [&] {
    return waiter->Wait(testing::kPatience, interrupt->fd()).value();
  });

  interrupt->Set();

  EXPECT_FALSE(waiting.get());
}

}  // namespace
}  // namespace trellis::sys
