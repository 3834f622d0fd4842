#include "kernel/sys/sysinfo.hpp"

#include "kernel/sys/files.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

namespace trellis::sys {
namespace {

TEST(SysInfo, BootIdIsStableAndTrimmed) {
  auto const id = BootId();

  ASSERT_TRUE(id);
  EXPECT_EQ(id->size(), 36);
  EXPECT_EQ(BootId().value(), *id);
}

TEST(SysInfo, BootIdMayComeFromAnotherFile) {
  testing::TempDir const dir;
  ASSERT_TRUE(WriteFileAtomic(dir / "boot", "abc\n"));
  ASSERT_TRUE(WriteFileAtomic(dir / "empty", "\n"));

  EXPECT_EQ(BootId(dir / "boot").value(), "abc");
  EXPECT_FALSE(BootId(dir / "empty"));
}

TEST(SysInfo, CountsTheMachine) {
  EXPECT_GE(CpuCount(), 1);
  EXPECT_GT(MemoryTotal(), MemoryAvailable());
  EXPECT_GT(MemoryAvailable(), 0);
  EXPECT_GT(BootTimeNs(), 0);
}

}  // namespace
}  // namespace trellis::sys
