#include "kernel/sys/files.hpp"

#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>

namespace trellis::sys {
namespace {

class Files : public ::testing::Test {
 protected:
  testing::TempDir dir_;
};

TEST_F(Files, ReadBackWhatWasWritten) {
  ASSERT_TRUE(WriteFileAtomic(dir_ / "a", std::string("x\0y", 3), kPrivateFile));

  EXPECT_EQ(ReadFile(dir_ / "a").value(), std::string("x\0y", 3));
  EXPECT_EQ(std::filesystem::status(dir_ / "a").permissions(),
            std::filesystem::perms(kPrivateFile));
}

TEST_F(Files, ReplacingLeavesNoTemporaryFile) {
  ASSERT_TRUE(WriteFileAtomic(dir_ / "a", "old"));
  ASSERT_TRUE(WriteFileAtomic(dir_ / "a", "new"));

  EXPECT_EQ(ReadFile(dir_ / "a").value(), "new");
  using Entries = std::filesystem::directory_iterator;
  EXPECT_EQ(std::distance(Entries(dir_.path()), Entries()), 1);
}

TEST_F(Files, FailedReplacingLeavesNoTemporaryFile) {
  ASSERT_TRUE(EnsureDirectory(dir_ / "folder"));

  EXPECT_FALSE(WriteFileAtomic(dir_ / "folder", "x"));

  using Entries = std::filesystem::directory_iterator;
  EXPECT_EQ(std::distance(Entries(dir_.path()), Entries()), 1);
}

TEST_F(Files, NameTheFileThatIsMissing) {
  auto const read = ReadFile(dir_ / "none");

  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kNotFound);
  EXPECT_EQ(read.error().message,
            fmt::format("open '{}': No such file or directory", (dir_ / "none").string()));
}

TEST_F(Files, RefuseToReadMoreThanTheLimit) {
  ASSERT_TRUE(WriteFileAtomic(dir_ / "a", "12345"));

  EXPECT_TRUE(ReadFile(dir_ / "a", 5));
  EXPECT_EQ(ReadFile(dir_ / "a", 4).error().code, Code::kExhausted);
}

TEST_F(Files, EnsureDirectorySetsTheMode) {
  ASSERT_TRUE(EnsureDirectory(dir_ / "x/y", kPublicDirectory));
  ASSERT_TRUE(EnsureDirectory(dir_ / "x/y", kPrivateDirectory));

  EXPECT_EQ(std::filesystem::status(dir_ / "x/y").permissions(),
            std::filesystem::perms(kPrivateDirectory));
}

TEST_F(Files, LockHasOneHolder) {
  auto first = LockFile::Acquire(dir_ / "lock");
  ASSERT_TRUE(first);

  EXPECT_EQ(LockFile::Acquire(dir_ / "lock").error().code, Code::kBusy);
  { auto const released = *std::move(first); }

  EXPECT_TRUE(LockFile::Acquire(dir_ / "lock"));
}

}  // namespace
}  // namespace trellis::sys
