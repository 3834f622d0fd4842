#include "kernel/base/strings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trellis::strings {
namespace {

using ::testing::ElementsAre;

TEST(Strings, SplitKeepsEmptyParts) {
  EXPECT_THAT(Split("a,,b,", ','), ElementsAre("a", "", "b", ""));
  EXPECT_THAT(Split("", ','), ElementsAre(""));
}

TEST(Strings, SplitWordsDropsBlanks) {
  EXPECT_THAT(SplitWords("  a \t b\n"), ElementsAre("a", "b"));
  EXPECT_TRUE(SplitWords(" \n").empty());
}

TEST(Strings, TrimsBothSides) {
  EXPECT_EQ(Trim(" a b \r\n"), "a b");
  EXPECT_EQ(Trim("  "), "");
}

TEST(Strings, FoldsAsciiOnly) {
  EXPECT_EQ(ToLower("ABC-\xc3\x84"), "abc-\xc3\x84");
  EXPECT_TRUE(EqualsIgnoringCase("Sec-WebSocket", "sec-websocket"));
  EXPECT_FALSE(EqualsIgnoringCase("a", "ab"));
}

TEST(Strings, ParsesWholeNumbersInRange) {
  EXPECT_EQ(ParseNumber<int>("-12").value(), -12);
  EXPECT_EQ(ParseNumber<unsigned>("ff", 16).value(), 255);
  EXPECT_EQ(ParseNumber<std::uint8_t>("256").error().message, "number '256' is out of range");
  EXPECT_EQ(ParseNumber<int>("12x").error().code, Code::kDecode);
  EXPECT_FALSE(ParseNumber<int>(""));
}

TEST(Strings, WritesHex) {
  EXPECT_EQ(ToHex(std::string_view("\x00\xff", 2)), "00ff");
}

}  // namespace
}  // namespace trellis::strings
