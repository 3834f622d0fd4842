#include "plugins/zmachine/image_root.hpp"

#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace trellis::plugins::zmachine {
namespace {

namespace fs = std::filesystem;

class ImageRootTest : public ::testing::Test {
 protected:
  void Put(std::string const& path, std::string const& text) {
    auto const target = dir_ / path;
    fs::create_directories(target.parent_path());
    std::ofstream(target) << text;
  }
  testing::TempDir dir_;
  ImageRoot image_{dir_.path().string()};
};

TEST_F(ImageRootTest, ResolvesAbsoluteLinksInsideTheImage) {
  Put("boot/vmlinuz-6", "kernel");
  fs::create_symlink("/boot/vmlinuz-6", dir_ / "boot/vmlinuz");

  auto const text = image_.Read("boot/vmlinuz", 100);

  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, "kernel");
}

TEST_F(ImageRootTest, NeverReadsTheHost) {
  fs::create_symlink("../../../../etc/passwd", dir_ / "image.raw");

  auto const text = image_.Read("image.raw", 1 << 20);

  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::kNotFound);
}

TEST_F(ImageRootTest, RefusesAFolderWhereAFileIsNeeded) {
  fs::create_directories(dir_ / "kernel");

  auto const is_file = image_.IsFile("kernel");

  ASSERT_FALSE(is_file);
  EXPECT_EQ(is_file.error().code, Code::kInvalid);
  EXPECT_EQ(is_file.error().message, "path 'kernel' is of invalid type");
}

TEST_F(ImageRootTest, RefusesAFileAboveTheLimit) {
  Put("big", std::string(101, 'x'));

  auto const text = image_.Read("big", 100);

  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::kExhausted);
}

TEST_F(ImageRootTest, CopiesOutAndIn) {
  Put("kernel", "k");
  Put("bin/tool", "t");
  testing::TempDir other;

  ASSERT_TRUE(image_.CopyOut("kernel", (other / "kernel").string()));
  ASSERT_TRUE(image_.CopyIn((other / "kernel").string(), "corex"));

  auto const text = image_.Read("corex", 10);
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, "k");
  EXPECT_NE(fs::status(dir_ / "corex").permissions() & fs::perms::others_exec, fs::perms::none);
}

TEST_F(ImageRootTest, RemovesHostKeysOnly) {
  Put("etc/ssh/ssh_host_rsa_key", "secret");
  Put("etc/ssh/sshd_config", "config");

  ASSERT_TRUE(image_.RemoveSshHostKeys());

  EXPECT_FALSE(fs::exists(dir_ / "etc/ssh/ssh_host_rsa_key"));
  EXPECT_TRUE(fs::exists(dir_ / "etc/ssh/sshd_config"));
}

TEST_F(ImageRootTest, KnowsBootableDisks) {
  std::string sector(1024, '\0');
  Put("none", sector);
  sector.replace(510, 2, "\x55\xaa");
  Put("mbr", sector);
  sector.replace(512, 8, "EFI PART");
  Put("gpt", sector);

  auto const none = DetectBootMedium((dir_ / "none").string());
  auto const mbr = DetectBootMedium((dir_ / "mbr").string());
  auto const gpt = DetectBootMedium((dir_ / "gpt").string());

  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message, "image is not bootable");
  ASSERT_TRUE(mbr && gpt);
  EXPECT_EQ(*mbr, BootMedium::kMbr);
  EXPECT_EQ(*gpt, BootMedium::kEfi);
}

TEST_F(ImageRootTest, RefusesAKernelThatIsNone) {
  Put("kernel", std::string(4096, 'x'));

  auto const done = CheckKernelFormat((dir_ / "kernel").string());

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "unsupported kernel format");
}

}  // namespace
}  // namespace trellis::plugins::zmachine
