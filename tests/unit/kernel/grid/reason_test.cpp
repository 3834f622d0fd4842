#include "kernel/grid/reason.hpp"

#include <gtest/gtest.h>

namespace trellis::grid {
namespace {

TEST(SplitReason, TakesTheBracketedCodeOff) {
  auto const [reason, sentence] = SplitReason("[vm_cpu] cpu is zero");

  EXPECT_EQ(reason, "vm_cpu");
  EXPECT_EQ(sentence, "cpu is zero");
}

TEST(SplitReason, LeavesOtherMessagesAlone) {
  for (auto const* text : {"plain", "[] nothing", "[two words] x", "[open", "[code]x"}) {
    EXPECT_EQ(SplitReason(text).reason, "") << text;
    EXPECT_EQ(SplitReason(text).sentence, text);
  }
}

}  // namespace
}  // namespace trellis::grid
