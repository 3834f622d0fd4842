#include "kernel/sys/memory.hpp"

#include "kernel/sys/files.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <charconv>

namespace trellis::sys {
namespace {

/// Resident pages of files, KiB.
std::size_t ResidentFiles() {
  constexpr std::string_view kKey = "RssFile:";
  auto const text = ReadFile("/proc/self/status").value_or("");
  auto at = text.find(kKey);
  if (at == std::string::npos) return 0;
  at = text.find_first_not_of(" \t", at + kKey.size());
  std::size_t size = 0;
  std::from_chars(text.data() + at, text.data() + text.size(), size);
  return size;
}

TEST(Memory, OfTheStartIsGivenBackAndComesBackWhenItIsUsed) {
  auto const words = fmt::format("{} {}", "the same", 5);
  auto const before = ResidentFiles();
  ASSERT_GT(before, 0U);

  GiveBackStart();

  EXPECT_LT(ResidentFiles(), before);
  EXPECT_EQ(fmt::format("{} {}", "the same", 5), words);
  EXPECT_THROW(throw std::runtime_error("unwinds"), std::runtime_error);
}

}  // namespace
}  // namespace trellis::sys
