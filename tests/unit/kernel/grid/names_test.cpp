#include "kernel/grid/names.hpp"

#include <gtest/gtest.h>

#include <string>

namespace trellis::grid {
namespace {

TEST(Names, HaveUpTo36BytesOfLettersDigitsAndUnderscore) {
  EXPECT_TRUE(IsValidName(std::string(36, 'a')));
  EXPECT_FALSE(IsValidName(std::string(37, 'a')));
  EXPECT_FALSE(IsValidName(""));
  EXPECT_FALSE(IsValidName("abc\n"));
  EXPECT_FALSE(IsValidName("a-b"));
}

TEST(Names, OnlyTheExactReservedWordIsRefused) {
  EXPECT_FALSE(IsValidName("ygg"));
  EXPECT_TRUE(IsValidName("Ygg"));
  EXPECT_TRUE(IsValidName("pub"));
}

TEST(WorkloadIds, ParseBackToTheSameText) {
  auto const id = WorkloadId::Parse("4294967295-18446744073709551615-a_b").value();

  EXPECT_EQ(id.ToString(), "4294967295-18446744073709551615-a_b");
  EXPECT_EQ(id.ToPath(), "4294967295/18446744073709551615/a_b");
}

TEST(WorkloadIds, RefuseSignsLeadingZerosAndBadNames) {
  for (auto const* text :
       {"+7-1-a", "-7-1-a", "07-1-a", "7-01-a", "7-1-ygg", "7-1-a\n", "7--a", ""})
    EXPECT_EQ(WorkloadId::Parse(text).error().code, Code::kDecode) << text;
}

TEST(DeploymentIds, ParseBackToTheSameText) {
  EXPECT_EQ(DeploymentId::Parse("7-0")->ToString(), "7-0");
  EXPECT_FALSE(DeploymentId::Parse("7"));
  EXPECT_FALSE(DeploymentId::Parse("7-1-a"));
}

}  // namespace
}  // namespace trellis::grid
