#include "kernel/base/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <regex>

namespace trellis {
namespace {

TEST(Random, FillsWithDifferentBytes) {
  std::array<std::uint8_t, 32> first{};
  std::array<std::uint8_t, 32> second{};

  FillRandom(first);
  FillRandom(second);

  EXPECT_NE(first, second);
}

TEST(Random, StaysBelowTheBound) {
  for (int i = 0; i < 100; ++i)
    EXPECT_LT(RandomBelow(3), 3);
  EXPECT_EQ(RandomBelow(0), 0);
}

TEST(Random, UuidHasVersionAndVariant) {
  std::regex const form("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");

  EXPECT_TRUE(std::regex_match(RandomUuid(), form));
  EXPECT_NE(RandomUuid(), RandomUuid());
}

}  // namespace
}  // namespace trellis
