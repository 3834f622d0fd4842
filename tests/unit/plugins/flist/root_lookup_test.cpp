#include "plugins/flist/root_lookup.hpp"

#include "tests/support/image_tree.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace trellis::plugins::flist {
namespace {

using namespace trellis::testing;

class RootLookup : public ::testing::Test {
 protected:
  void File(std::string const& name) { WriteText(root_ / name, "x"); }
  void Link(std::string const& name, std::string const& target) {
    std::filesystem::create_directories(std::filesystem::path(root_ / name).parent_path());
    std::filesystem::create_symlink(target, root_ / name);
  }
  TempDir root_;
};

TEST_F(RootLookup, NothingMeansContainer) {
  EXPECT_EQ(*DetectKind(root_.path()), "container");
}

TEST_F(RootLookup, OwnKernelMeansContainerKernel) {
  File("boot/vmlinuz");
  EXPECT_EQ(*DetectKind(root_.path()), "container-kernel");
}

TEST_F(RootLookup, ImageMeansFirmwareWithOrWithoutVmlinuz) {
  File("image.raw");
  EXPECT_EQ(*DetectKind(root_.path()), "vm-firmware");
  File("boot/vmlinuz");
  EXPECT_EQ(*DetectKind(root_.path()), "vm-firmware");
}

TEST_F(RootLookup, KernelAndImageMeanVmKernelWithOrWithoutVmlinuz) {
  File("image.raw");
  File("kernel");
  EXPECT_EQ(*DetectKind(root_.path()), "vm-kernel");
  File("boot/vmlinuz");
  EXPECT_EQ(*DetectKind(root_.path()), "vm-kernel");
}

TEST_F(RootLookup, KernelWithoutImageIsAnError) {
  File("kernel");
  EXPECT_EQ(DetectKind(root_.path()).error().message, "flist has /kernel but no /image.raw");
  File("boot/vmlinuz");
  EXPECT_EQ(DetectKind(root_.path()).error().message, "flist has /kernel but no /image.raw");
}

TEST_F(RootLookup, DirectoryInPlaceOfAFileIsAnError) {
  std::filesystem::create_directory(root_ / "kernel");
  EXPECT_EQ(DetectKind(root_.path()).error().message, "path '/kernel' is of invalid type");
}

TEST_F(RootLookup, LinkNeverLeadsOutOfTheImage) {
  Link("image.raw", "../../../../../../etc/passwd");
  EXPECT_EQ(DetectKind(root_.path()).error().message, "path '/image.raw' is of invalid type");
}

TEST_F(RootLookup, AbsoluteLinkResolvesInsideTheImage) {
  File("boot/vmlinuz-6");
  Link("boot/vmlinuz", "/boot/vmlinuz-6");
  EXPECT_EQ(*DetectKind(root_.path()), "container-kernel");
}

TEST_F(RootLookup, MakesMissingDirectoriesBehindLinksInside) {
  Link("var/run", "/run");
  std::filesystem::create_directory(root_ / "run");

  auto const made = MakeDirInRoot(root_.path(), "var/run/a/b");

  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(std::filesystem::is_directory(root_ / "run/a/b"));
}

}  // namespace
}  // namespace trellis::plugins::flist
