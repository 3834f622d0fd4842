// The binary layout of plugin ABI 1.0 is frozen.
#include <trellis/abi.h>

#include <gtest/gtest.h>

#include <cstddef>

extern "C" int LayoutErrorsInC(void);

namespace {

TEST(AbiLayout, IsTheTableInCpp) {
#define X(type, bytes) EXPECT_EQ(sizeof(type), std::size_t{bytes}) << #type;
#define Y(type, member, at) EXPECT_EQ(offsetof(type, member), std::size_t{at}) << #type "." #member;
#include "tests/unit/kernel/plugin/layout_table.h"
#undef X
#undef Y
}

TEST(AbiLayout, IsTheTableInC) {
  EXPECT_EQ(LayoutErrorsInC(), 0);
}

}  // namespace
