#include "kernel/plugin/text.hpp"

#include <gtest/gtest.h>

namespace trellis::plugin {
namespace {

TEST(RepairText, KeepsValidUtf8) {
  EXPECT_EQ(RepairText("a → b €", 100), "a → b €");
}

TEST(RepairText, ReplacesInvalidBytesAndNul) {
  EXPECT_EQ(RepairText(std::string_view("a\0b", 3), 100),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(RepairText("\xC0\x80", 100), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(RepairText("\xED\xA0\x80", 100), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(RepairText, CutsAtACharacter) {
  EXPECT_EQ(RepairText("ab€", 4), "ab");
}

TEST(OutputSink, GoesOnRefusingOnceFull) {
  OutputSink sink(3);
  auto const raw = sink.sink();
  EXPECT_EQ(abi::Write(raw, "abc"), TRL_OK);
  EXPECT_EQ(abi::Write(raw, "d"), TRL_EXHAUSTED);
  EXPECT_TRUE(sink.overflown());
  EXPECT_EQ(sink.Take(), "abc");
}

}  // namespace
}  // namespace trellis::plugin
