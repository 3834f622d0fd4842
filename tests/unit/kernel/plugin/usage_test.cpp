#include "kernel/plugin/helper/usage.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace trellis::plugin {
namespace {

constexpr std::uint64_t kMebibyte = 1U << 20U;

TEST(HelperUsage, IsThatOfTheProcess) {
  auto const usage = UsageOf(::getpid());

  EXPECT_GT(usage.memory_bytes, kMebibyte);
  EXPECT_GE(usage.tasks, 1U);
}

TEST(HelperUsage, OfAProcessThatIsGoneIsNothing) {
  auto const usage = UsageOf(0x7fffffff);

  EXPECT_EQ(usage.memory_bytes, 0U);
  EXPECT_EQ(usage.tasks, 0U);
  EXPECT_EQ(DescriptorsOf(0x7fffffff), 0U);
}

TEST(HelperUsage, CountsOpenDescriptors) {
  auto const before = DescriptorsOf(::getpid());

  int const fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  auto const after = DescriptorsOf(::getpid());
  ::close(fd);

  EXPECT_EQ(after, before + 1);
}

TEST(HelperLimits, AllowWhatIsWithinThem) {
  EXPECT_EQ(Excess({100 * kMebibyte, 16}, {100 * kMebibyte, 16}), "");
}

TEST(HelperLimits, NameWhatIsTooMuch) {
  EXPECT_EQ(Excess({600 * kMebibyte, 1}, {}), "it used 600 MiB of memory, 512 MiB are allowed");
  EXPECT_EQ(Excess({1, 300}, {}), "it had 300 threads, 256 are allowed");
}

TEST(HelperLimits, WarnWhenNineTenthsOfTheDescriptorsAreOpen) {
  EXPECT_EQ(DescriptorWarning(921), "");
  EXPECT_EQ(DescriptorWarning(922), "922 of 1024 descriptors are open");
}

}  // namespace
}  // namespace trellis::plugin
