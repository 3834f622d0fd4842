#include "plugins/common/posix/files.hpp"
#include "tests/integration/storage/pool_fixture.hpp"

#include <trellis/services/storage.hpp>

#include <fcntl.h>

#include <cerrno>

namespace trellis::testing {
namespace {

using namespace trellis::plugins;
using namespace trellis::services;

constexpr char const* kId = "1-2-vm";

class VolumeTest : public PoolTest {
 protected:
  Result<Volume> Ask(std::string_view method, VolumeRequest const& request) {
    return host_.CallService<Volume>(kStorageVolume, method, request);
  }
  Result<void> Delete(VolumeRequest const& request) {
    TRELLIS_CHECK(host_.CallService<json::Nothing>(kStorageVolume, "delete", request));
    return {};
  }
  // Writes until it fails and answers why.
  static int FillUp(std::string const& path, std::uint64_t at_most) {
    auto const fd = OpenFile(path, O_WRONLY | O_CREAT | O_SYNC, 0600);
    std::string const block(kMiB, 'x');
    for (std::uint64_t done = 0; done < at_most; done += kMiB) {
      if (::write(fd->get(), block.data(), block.size()) < 0) return errno;
    }
    return 0;
  }
};

TEST_F(VolumeTest, LimitStopsWrites) {
  auto const volume = Ask("create", {kId, "rootfs", 16 * kMiB});

  ASSERT_TRUE(volume) << volume.error().message;
  EXPECT_EQ(volume->path, mount_point() + "/rootfs:1-2-vm");
  EXPECT_EQ(FillUp(volume->path + "/file", 64 * kMiB), EDQUOT);
}

TEST_F(VolumeTest, UpdateRaisesTheLimit) {
  ASSERT_TRUE(Ask("create", {kId, "rootfs", 8 * kMiB}));

  auto const updated = Ask("update", {kId, "rootfs", 64 * kMiB});

  ASSERT_TRUE(updated) << updated.error().message;
  EXPECT_EQ(Ask("lookup", {kId, "rootfs", 0})->size, 64 * kMiB);
  EXPECT_EQ(FillUp(updated->path + "/file", 32 * kMiB), 0);
}

TEST_F(VolumeTest, CreateTwiceAnswersTheSame) {
  auto const first = Ask("create", {kId, "rootfs", 8 * kMiB});
  ASSERT_TRUE(WriteFile(first->path + "/kept", "x", 0600));

  auto const again = Ask("create", {kId, "rootfs", 16 * kMiB});

  EXPECT_EQ(again->size, 8 * kMiB);
  EXPECT_TRUE(ReadFile(again->path + "/kept", 10));
}

TEST_F(VolumeTest, VolumesAndDisksShareTheRoomOfThePool) {
  ASSERT_TRUE(Ask("create", {kId, "rootfs", 250 * kMiB}));

  auto const volume = Ask("create", {kId, "cache", 200 * kMiB});
  auto const disk = host_.Provision("zmount", "1-2-d", R"({"size":209715200})");

  EXPECT_EQ(volume.error().code, Code::kExhausted);
  EXPECT_EQ(disk.status, TRL_EXHAUSTED);
}

TEST_F(VolumeTest, DeleteTwiceFreesTheRoom) {
  ASSERT_TRUE(Ask("create", {kId, "rootfs", 250 * kMiB}));

  EXPECT_TRUE(Delete({kId, "rootfs", 0}));
  EXPECT_TRUE(Delete({kId, "rootfs", 0}));

  EXPECT_EQ(Ask("lookup", {kId, "rootfs", 0}).error().code, Code::kNotFound);
  EXPECT_TRUE(Ask("create", {kId, "cache", 250 * kMiB}));
}

TEST_F(VolumeTest, ReconcileReleasesUnknownWorkloads) {
  ASSERT_TRUE(Ask("create", {"1-2-gone", "rootfs", kMiB}));
  ASSERT_TRUE(Ask("create", {"1-2-keep", "rootfs", kMiB}));
  ASSERT_TRUE(Ask("create", {"@flist/cache", "data", kMiB}));

  ASSERT_TRUE(
      host_.CallService<json::Nothing>(kStorageVolume, "reconcile", Reconcile{{"1-2-keep"}}));

  auto const list = host_.CallService<VolumeList>(kStorageVolume, "list", json::Nothing{});
  ASSERT_EQ(list->volumes.size(), 2U);
  EXPECT_EQ(list->volumes[1].owner, "1-2-keep");
  EXPECT_EQ(list->volumes[0].owner, "@flist/cache");
}

TEST_F(VolumeTest, RefusesSlotsAndOwnersThatAreNoNames) {
  EXPECT_EQ(Ask("create", {kId, "../x", kMiB}).error().code, Code::kInvalid);
  EXPECT_EQ(Ask("create", {kId, "a:b", kMiB}).error().code, Code::kInvalid);
  EXPECT_EQ(Ask("create", {"x/y", "rootfs", kMiB}).error().code, Code::kInvalid);
}

}  // namespace
}  // namespace trellis::testing
