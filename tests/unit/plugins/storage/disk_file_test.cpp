#include "plugins/storage/disk_file.hpp"

#include "tests/support/image_tree.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace trellis::plugins::storage {
namespace {

using namespace trellis::testing;

TEST(DiskFile, EmptyFileHasNoSignature) {
  TempDir const dir;
  WriteText(dir / "disk", std::string(std::size_t{1} << 20, '\0'));

  EXPECT_FALSE(*HasSignature(dir / "disk"));
}

TEST(DiskFile, PartitionTableIsASignature) {
  TempDir const dir;
  std::string text(std::size_t{1} << 20, '\0');
  text[510] = '\x55';
  text[511] = '\xaa';
  text[446 + 4] = '\x83';   // type of the first partition
  text[446 + 8] = '\x01';   // its first sector
  text[446 + 12] = '\x10';  // its length
  WriteText(dir / "disk", text);

  EXPECT_TRUE(*HasSignature(dir / "disk"));
}

TEST(DiskFile, FormatsExt4WithoutGivingSpaceBack) {
  TempDir const dir;
  WriteText(dir / "disk", std::string(std::size_t{8} << 20, '\0'));

  auto const made = MakeFileSystem(dir / "disk", "ext4");

  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(*HasSignature(dir / "disk"));
  EXPECT_EQ(std::filesystem::file_size(dir / "disk"), std::size_t{8} << 20);
}

TEST(DiskFile, RefusesUnknownFileSystems) {
  TempDir const dir;
  WriteText(dir / "disk", "x");

  EXPECT_EQ(MakeFileSystem(dir / "disk", "xfs").error().message, "cannot format a disk with 'xfs'");
}

TEST(DiskFile, ImageIsCopiedToTheStartOfTheDisk) {
  TempDir const dir;
  TestCall call;
  WriteText(dir / "image", "abc");
  WriteText(dir / "disk", "......");

  ASSERT_TRUE(CopyImage(*call, dir / "image", dir / "disk"));

  EXPECT_EQ(ReadText(dir / "disk"), "abc...");
}

TEST(DiskFile, ImageMayNotBeALinkOrBiggerThanTheDisk) {
  TempDir const dir;
  WriteText(dir / "secret", "abc");
  std::filesystem::create_symlink(dir / "secret", dir / "image");

  EXPECT_FALSE(CheckImageFits(dir / "image", 10));
  EXPECT_TRUE(CheckImageFits(dir / "secret", 3));
  EXPECT_EQ(CheckImageFits(dir / "secret", 2).error().message, "image size is bigger than disk");
}

}  // namespace
}  // namespace trellis::plugins::storage
