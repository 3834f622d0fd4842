#include "kernel/rmb/replay.hpp"

#include "kernel/rmb/suspects.hpp"

#include <gtest/gtest.h>

namespace trellis::rmb {
namespace {

constexpr std::uint64_t kNow = 1000;

ReplayTable::AnswerPtr Text(std::string text) {
  return std::make_shared<std::string const>(std::move(text));
}

TEST(ReplayTable, LetsARequestRunOnce) {
  ReplayTable table;
  EXPECT_TRUE(table.Enter(1, "a", kNow + 10, kNow).fresh);
  auto const running = table.Enter(1, "a", kNow + 10, kNow);
  EXPECT_FALSE(running.fresh);
  EXPECT_EQ(running.answer, nullptr);
  table.Answer(1, "a", Text("answer"));
  auto const answered = table.Enter(1, "a", kNow + 10, kNow);
  EXPECT_FALSE(answered.fresh);
  ASSERT_NE(answered.answer, nullptr);
  EXPECT_EQ(*answered.answer, "answer");
}

TEST(ReplayTable, TellsTwinsApart) {
  ReplayTable table;
  EXPECT_TRUE(table.Enter(1, "1/a", kNow + 10, kNow).fresh);
  EXPECT_TRUE(table.Enter(11, "/a", kNow + 10, kNow).fresh);
  EXPECT_TRUE(table.Enter(2, "1/a", kNow + 10, kNow).fresh);
}

TEST(ReplayTable, ForgetsWhenTheLifeOfARequestIsOver) {
  ReplayTable table;
  EXPECT_TRUE(table.Enter(1, "a", kNow + 10, kNow).fresh);
  EXPECT_FALSE(table.Enter(1, "a", kNow + 10, kNow + 9).fresh);
  EXPECT_TRUE(table.Enter(1, "a", kNow + 30, kNow + 10).fresh);
  EXPECT_EQ(table.size(), 1U);
}

TEST(ReplayTable, LimitsTwinsAndAll) {
  ReplayLimits limits;
  limits.entries = 10;
  limits.of_twin = 4;
  ReplayTable table(limits);
  EXPECT_TRUE(table.Enter(2, "kept", kNow + 10, kNow).fresh);
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(table.Enter(1, std::to_string(i), kNow + 10, kNow).fresh);
  EXPECT_EQ(table.size(), 5U);
  EXPECT_FALSE(table.Enter(2, "kept", kNow + 10, kNow).fresh);
  for (std::uint32_t twin = 10; twin < 100; ++twin)
    EXPECT_TRUE(table.Enter(twin, "x", kNow + 10, kNow).fresh);
  EXPECT_EQ(table.size(), 10U);
}

TEST(ReplayTable, LimitsTheBytesOfAnswers) {
  ReplayLimits limits;
  limits.answer_bytes = 10;
  limits.total_answer_bytes = 25;
  ReplayTable table(limits);
  for (auto const* uid : {"a", "b", "c", "large"})
    (void)table.Enter(1, uid, kNow + 10, kNow);
  table.Answer(1, "large", Text("eleven byte"));
  for (auto const* uid : {"a", "b", "c"})
    table.Answer(1, uid, Text("ten bytes!"));
  EXPECT_EQ(table.Enter(1, "large", kNow + 10, kNow).answer, nullptr);
  EXPECT_EQ(table.Enter(1, "a", kNow + 10, kNow).answer, nullptr);
  EXPECT_NE(table.Enter(1, "b", kNow + 10, kNow).answer, nullptr);
  EXPECT_NE(table.Enter(1, "c", kNow + 10, kNow).answer, nullptr);
}

TEST(Suspects, AreRememberedForAWhile) {
  Suspects suspects;
  EXPECT_FALSE(suspects.IsSuspect(1, kNow));
  suspects.Note(1, kNow);
  EXPECT_TRUE(suspects.IsSuspect(1, kNow + Suspects::kMemory - 1));
  EXPECT_FALSE(suspects.IsSuspect(1, kNow + Suspects::kMemory));
  EXPECT_FALSE(suspects.IsSuspect(2, kNow));
}

TEST(Suspects, AreNotCheckedWithoutEnd) {
  Suspects suspects;
  std::uint32_t checked = 0;
  while (suspects.MayCheck(1, kNow))
    ++checked;
  EXPECT_EQ(checked, Suspects::kChecksOfTwin);
  EXPECT_TRUE(suspects.MayCheck(2, kNow));
  EXPECT_TRUE(suspects.MayCheck(1, kNow + 1));
  std::uint32_t all = 1;
  for (std::uint32_t twin = 100; suspects.MayCheck(twin, kNow + 1); ++twin)
    ++all;
  EXPECT_EQ(all, Suspects::kChecksOfAll);
}

TEST(Suspects, AreNotAnsweredWithoutEnd) {
  Suspects suspects;
  std::uint32_t answered = 0;
  while (suspects.MayAnswer(1, kNow))
    ++answered;
  EXPECT_EQ(answered, Suspects::kAnswersOfTwin);
  EXPECT_TRUE(suspects.MayAnswer(2, kNow));
  EXPECT_TRUE(suspects.MayAnswer(1, kNow + Suspects::kMemory));
  std::uint32_t all = 0;
  for (std::uint32_t twin = 100; suspects.MayAnswer(twin, kNow + 1); ++twin)
    ++all;
  EXPECT_EQ(all, Suspects::kAnswersOfAll);
}

}  // namespace
}  // namespace trellis::rmb
