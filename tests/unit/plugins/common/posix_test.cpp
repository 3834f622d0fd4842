#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/mounts.hpp"
#include "plugins/common/posix/tool.hpp"
#include "tests/support/image_tree.hpp"
#include "tests/support/patience.hpp"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include <filesystem>

namespace trellis::plugins {
namespace {

using namespace std::chrono_literals;
using trellis::testing::TempDir;

TEST(SafeName, AcceptsIdsAndRefusesPaths) {
  EXPECT_TRUE(IsSafeName("1-2-data_A.b"));
  EXPECT_FALSE(IsSafeName(""));
  EXPECT_FALSE(IsSafeName(".."));
  EXPECT_FALSE(IsSafeName(".hidden"));
  EXPECT_FALSE(IsSafeName("a/b"));
  EXPECT_FALSE(IsSafeName("a:b"));
  EXPECT_FALSE(IsSafeName(std::string_view("a\0b", 3)));
  EXPECT_FALSE(IsSafeName(std::string(201, 'x')));
}

TEST(OwnerName, TurnsPluginKeysIntoOneComponentAndBack) {
  EXPECT_EQ(*OwnerToName("1-2-data"), "1-2-data");
  EXPECT_EQ(*OwnerToName("@zdb/pool"), "@zdb=pool");
  EXPECT_EQ(NameToOwner("@zdb=pool"), "@zdb/pool");
  EXPECT_FALSE(OwnerToName("a=b"));
  EXPECT_FALSE(OwnerToName("@zdb=pool"));
  EXPECT_FALSE(OwnerToName("../x"));
}

TEST(Files, WriteReplacesInOneStepAndReadHonoursTheLimit) {
  TempDir const dir;
  ASSERT_TRUE(WriteFile(dir / "a", "first", 0600));
  ASSERT_TRUE(WriteFile(dir / "a", "second", 0600));

  EXPECT_EQ(*ReadFile(dir / "a", 6), "second");
  EXPECT_EQ(ReadFile(dir / "a", 5).error().code, Code::kExhausted);
  EXPECT_EQ(ReadFile(dir / "none", 5).error().code, Code::kNotFound);
  EXPECT_EQ(*ListDir(dir.path()), std::vector<std::string>{"a"});
}

TEST(Files, RemoveTreeDoesNotFollowLinks) {
  TempDir const dir;
  ASSERT_TRUE(MakeDirs(dir / "outside/kept"));
  ASSERT_TRUE(MakeDirs(dir / "tree"));
  std::filesystem::create_directory_symlink(dir / "outside", dir / "tree/link");

  EXPECT_TRUE(RemoveTree(dir / "tree"));
  EXPECT_TRUE(RemoveTree(dir / "tree"));

  EXPECT_TRUE(std::filesystem::exists(dir / "outside/kept"));
}

TEST(Mounts, ParsesEscapesAndOptionalFields) {
  auto const mounts = ParseMounts(
      "36 35 98:0 /mnt1 /mnt\\040two rw,noatime master:1 shared:2 - ext3 /dev/root "
      "rw,errors=continue\n"
      "broken line\n"
      "37 36 0:1 / /proc rw - proc proc rw\n");

  ASSERT_EQ(mounts.size(), 2U);
  EXPECT_EQ(mounts[0].target, "/mnt two");
  EXPECT_EQ(mounts[0].device, makedev(98, 0));
  EXPECT_EQ(mounts[0].fs_type, "ext3");
  EXPECT_EQ(mounts[0].super_options, "rw,errors=continue");
  EXPECT_EQ(mounts[1].target, "/proc");
}

TEST(Mounts, UnmountOfAPlainDirectoryIsFine) {
  TempDir const dir;

  EXPECT_TRUE(Unmount(dir.path()));
  EXPECT_TRUE(Unmount(dir / "none"));
}

TEST(Tool, AnswersStandardOutput) {
  EXPECT_EQ(*RunTool({"echo", "hello"}, trellis::testing::kPatience), "hello\n");
}

TEST(Tool, TellsTheErrorTextOfAFailure) {
  auto const done = RunTool({"ls", "/no/such/place"}, trellis::testing::kPatience);

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kIo);
  EXPECT_NE(done.error().message.find("/no/such/place"), std::string::npos);
}

TEST(Tool, KillsWhatRunsTooLong) {
  EXPECT_EQ(RunTool({"sleep", "1000"}, 50ms).error().code, Code::kTimeout);
}

TEST(Tool, TellsThatAProgramIsMissing) {
  EXPECT_EQ(RunTool({"no-such-program-here"}, 1s).error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace trellis::plugins
