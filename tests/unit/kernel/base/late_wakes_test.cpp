#include "kernel/base/late_wakes.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace trellis {
namespace {

TEST(LateWakes, WaitForTheEnd) {
  std::string order;
  {
    LateWakes const late;
    LateWakes::Wake([&] { order += 'a'; });
    LateWakes::Wake([&] { order += 'b'; });
    order += '-';
  }
  EXPECT_EQ(order, "-ab");
}

TEST(LateWakes, AreAtOnceWithoutOne) {
  bool woken = false;
  LateWakes::Wake([&] { woken = true; });
  EXPECT_TRUE(woken);
}

TEST(LateWakes, ArePutOffOnTheirThreadOnly) {
  LateWakes const late;
  bool woken = false;
  std::thread([&] { LateWakes::Wake([&] { woken = true; }); }).join();
  EXPECT_TRUE(woken);
}

}  // namespace
}  // namespace trellis
