// A pool on a btrfs file system that the operator mounted: used as it is, never mounted over.
#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/mounts.hpp"
#include "tests/integration/storage/pool_fixture.hpp"

#include <trellis/services/storage.hpp>

#include <fcntl.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstdlib>

namespace trellis::testing {
namespace {

using namespace trellis::plugins;
using namespace trellis::services;

class NativePool : public ::testing::Test {
 protected:
  void SetUp() override {
    auto const file = host_.dir() + "/native.img";
    auto const command = fmt::format(
        "truncate -s 400M {0} && mkfs.btrfs -q {0} 2>/dev/null && mkdir {1} && mount -o loop {0} "
        "{1}",
        file, path_);
    ASSERT_EQ(std::system(command.c_str()), 0);  // NOLINT(cert-env33-c): made from constants
    auto const loaded = host_.Load(
        FakeHost::BuiltPlugin("storage"),
        fmt::format(R"({{"pools":[{{"name":"own","path":"{}","size":{}}}]}})", path_, 200 * kMiB));
    ASSERT_TRUE(loaded) << loaded.error().message;
    ASSERT_TRUE(host_.Load(FakeHost::BuiltPlugin("zmount")));
  }
  void TearDown() override {
    auto const unmounted = Unmount(path_);
    EXPECT_TRUE(unmounted) << unmounted.error().message;
    EXPECT_EQ(CountSettledLoops(host_.dir()), 0U);
  }

  FakeHost host_;
  std::string path_ = host_.dir() + "/native";
};

TEST_F(NativePool, IsUsedWithoutAFileOfItsOwnAndWithinItsSize) {
  auto const disk = host_.Provision("zmount", "1-2-d", R"({"size":104857600})");
  auto const volume =
      host_.CallService<Volume>(kStorageVolume, "create", VolumeRequest{"1-2-v", "rootfs", kMiB});
  auto const too_much = host_.Provision("zmount", "1-2-e", R"({"size":104857600})");

  ASSERT_TRUE(disk.ok()) << disk.error;
  ASSERT_TRUE(volume) << volume.error().message;
  EXPECT_EQ(volume->path, path_ + "/rootfs:1-2-v");
  EXPECT_EQ(::access((path_ + "/vdisks/1-2-d").c_str(), F_OK), 0);
  EXPECT_EQ(too_much.status, TRL_EXHAUSTED);
  EXPECT_NE(::access((path_ + "/pool.btrfs").c_str(), F_OK), 0);
  EXPECT_NE(::access((path_ + "/mnt").c_str(), F_OK), 0);
  auto const fd = OpenFile(volume->path + "/file", O_WRONLY | O_CREAT | O_SYNC, 0600);
  std::string const block(kMiB, 'x');
  int failed = 0;
  for (int written = 0; written < 16 && failed == 0; ++written)
    failed = ::write(fd->get(), block.data(), block.size()) < 0 ? errno : 0;
  EXPECT_EQ(failed, EDQUOT);

  EXPECT_TRUE(host_.Deprovision("zmount", "1-2-d", "{}").ok());
  EXPECT_TRUE(host_.Provision("zmount", "1-2-e", R"({"size":104857600})").ok());
}

}  // namespace
}  // namespace trellis::testing
