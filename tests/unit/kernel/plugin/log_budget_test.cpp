#include "kernel/plugin/log_budget.hpp"

#include <gtest/gtest.h>

namespace trellis::plugin {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// How many of `records` at one moment are let through.
std::uint64_t Let(LogBudget& budget, std::int64_t now, std::uint64_t records) {
  std::uint64_t allowed = 0;
  for (std::uint64_t i = 0; i < records; ++i)
    allowed += budget.Take(now).allowed ? 1 : 0;
  return allowed;
}

TEST(LogBudget, IsABurstAndThenARate) {
  LogBudget budget;
  EXPECT_EQ(Let(budget, 100 * kSecond, 6000), 5000U);
  EXPECT_EQ(Let(budget, 101 * kSecond, 6000), 1000U);
  EXPECT_EQ(Let(budget, 200 * kSecond, 6000), 5000U) << "what is not used is kept up to the burst";
}

TEST(LogBudget, TellsOnceASecondHowManyWereDropped) {
  LogBudget budget;
  Let(budget, 100 * kSecond, 5007);
  auto const told = budget.Take(101 * kSecond);
  EXPECT_TRUE(told.allowed);
  EXPECT_EQ(told.dropped, 7U);
  Let(budget, 101 * kSecond, 1000);
  EXPECT_EQ(budget.Take(101 * kSecond + kSecond / 2).dropped, 0U) << "it was just told";
  EXPECT_EQ(budget.Take(102 * kSecond).dropped, 1U);
}

}  // namespace
}  // namespace trellis::plugin
