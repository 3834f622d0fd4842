#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/mounts.hpp"
#include "tests/integration/storage/pool_fixture.hpp"

#include <trellis/services/storage.hpp>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <filesystem>

namespace trellis::testing {
namespace {

using namespace trellis::plugins;
using namespace trellis::services;

constexpr char const* kId = "1-2-data";

std::string Size(std::uint64_t bytes) {
  return fmt::format(R"({{"size":{}}})", bytes);
}

class DiskTest : public PoolTest {
 protected:
  Result<Disk> Ask(std::string_view method, DiskRequest const& request) {
    return host_.CallService<Disk>(kStorageDisk, method, request);
  }
  struct stat Stat(std::string const& id) {
    struct stat info {};
    EXPECT_EQ(::stat(disk_path(id).c_str(), &info), 0);
    return info;
  }
};

TEST_F(DiskTest, ProvisionMakesAPreallocatedPrivateNocowFile) {
  auto const done = host_.Provision("zmount", kId, Size(20 * kMiB));

  ASSERT_EQ(done.status, TRL_OK) << done.error;
  auto const info = Stat(kId);
  EXPECT_EQ(static_cast<std::uint64_t>(info.st_size), 20 * kMiB);
  EXPECT_GE(static_cast<std::uint64_t>(info.st_blocks) * 512, 20 * kMiB);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  auto const fd = OpenFile(disk_path(kId), O_RDONLY);
  int flags = 0;
  ASSERT_EQ(::ioctl(fd->get(), FS_IOC_GETFLAGS, &flags), 0);
  EXPECT_NE(flags & FS_NOCOW_FL, 0);
}

TEST_F(DiskTest, ProvisionTwiceKeepsTheDisk) {
  ASSERT_TRUE(host_.Provision("zmount", kId, Size(kMiB)).ok());
  auto const first = Stat(kId);

  EXPECT_TRUE(host_.Provision("zmount", kId, Size(kMiB)).ok());

  EXPECT_EQ(Stat(kId).st_ino, first.st_ino);
}

TEST_F(DiskTest, UpdateGrowsAndNeverShrinks) {
  ASSERT_TRUE(host_.Provision("zmount", kId, Size(10 * kMiB)).ok());

  EXPECT_EQ(host_.Update("zmount", kId, Size(20 * kMiB)).status, TRL_OK);
  EXPECT_EQ(host_.Update("zmount", kId, Size(10 * kMiB)).status, TRL_UNCHANGED);

  EXPECT_EQ(static_cast<std::uint64_t>(Stat(kId).st_size), 20 * kMiB);
}

TEST_F(DiskTest, ClaimedDiskIsNotGrownAndClaimsSurviveARestart) {
  ASSERT_TRUE(host_.Provision("zmount", kId, Size(10 * kMiB)).ok());
  ASSERT_TRUE(host_.CallService<Disk>(kStorageDisk, "claim", DiskClaim{kId, "1-2-vm"}));
  ASSERT_TRUE(host_.Unload("storage"));
  LoadStorage();

  auto const refused = host_.Update("zmount", kId, Size(20 * kMiB));
  ASSERT_TRUE(host_.CallService<json::Nothing>(kStorageDisk, "unclaim", DiskClaim{kId, "1-2-vm"}));
  auto const grown = host_.Update("zmount", kId, Size(20 * kMiB));

  EXPECT_EQ(refused.status, TRL_UNCHANGED);
  EXPECT_EQ(refused.error, "disk is mounted, please delete the VM first");
  EXPECT_EQ(grown.status, TRL_OK) << grown.error;
}

TEST_F(DiskTest, PoolIsNeverOvercommitted) {
  ASSERT_TRUE(host_.Provision("zmount", "1-2-a", Size(250 * kMiB)).ok());

  auto const second = host_.Provision("zmount", "1-2-b", Size(200 * kMiB));
  auto const grown = host_.Update("zmount", "1-2-a", Size(500 * kMiB));

  EXPECT_EQ(second.status, TRL_EXHAUSTED);
  EXPECT_EQ(second.error, "not enough space left in pools of this type ssd");
  EXPECT_EQ(grown.status, TRL_UNCHANGED);
  EXPECT_EQ(static_cast<std::uint64_t>(Stat("1-2-a").st_size), 250 * kMiB);
  EXPECT_EQ(Ask("lookup", {"1-2-b", 0}).error().code, Code::kNotFound);
}

TEST_F(DiskTest, DeprovisionTwiceGivesTheSpaceBack) {
  ASSERT_TRUE(host_.Provision("zmount", "1-2-a", Size(250 * kMiB)).ok());

  EXPECT_TRUE(host_.Deprovision("zmount", "1-2-a").ok());
  EXPECT_TRUE(host_.Deprovision("zmount", "1-2-a").ok());

  auto const again = host_.Provision("zmount", "1-2-b", Size(250 * kMiB));
  EXPECT_TRUE(again.ok()) << again.error;
}

TEST_F(DiskTest, PrecheckRefusesMoreThanThePoolHolds) {
  auto const refused =
      host_.Precheck("zmount", kId, PrecheckOp::kProvision, Size(std::uint64_t{10} << 40));

  EXPECT_EQ(refused.status, TRL_EXHAUSTED);
  EXPECT_NE(refused.error.find("bigger than every ssd pool"), std::string::npos) << refused.error;
}

TEST_F(DiskTest, FormatsOnceAndKeepsWhatIsThere) {
  ASSERT_TRUE(Ask("create", {kId, 110 * kMiB}));
  auto const fresh = Ask("lookup", {kId, 0});

  auto const formatted = host_.CallService<Disk>(kStorageDisk, "format", DiskFormat{kId, "ext4"});
  auto const before = ReadFile(disk_path(kId), 120 * kMiB);
  auto const again = host_.CallService<Disk>(kStorageDisk, "format", DiskFormat{kId, "btrfs"});

  EXPECT_FALSE(fresh->formatted);
  ASSERT_TRUE(formatted) << formatted.error().message;
  EXPECT_TRUE(formatted->formatted);
  ASSERT_TRUE(again);
  EXPECT_TRUE(*before == *ReadFile(disk_path(kId), 120 * kMiB));
  EXPECT_GE(static_cast<std::uint64_t>(Stat(kId).st_blocks) * 512, 110 * kMiB);
}

TEST_F(DiskTest, FormatsASmallDiskWithBtrfs) {
  ASSERT_TRUE(Ask("create", {kId, 100 * kMiB}));

  auto const formatted = host_.CallService<Disk>(kStorageDisk, "format", DiskFormat{kId, ""});

  ASSERT_TRUE(formatted) << formatted.error().message;
  EXPECT_TRUE(formatted->formatted);
}

TEST_F(DiskTest, WriteImageCopiesAndGrowsABtrfsImage) {
  ASSERT_TRUE(Ask("create", {"1-2-image", 110 * kMiB}));
  ASSERT_TRUE(host_.CallService<Disk>(kStorageDisk, "format", DiskFormat{"1-2-image", "btrfs"}));
  auto const source = host_.dir() + "/image";
  std::filesystem::copy_file(disk_path("1-2-image"), source);
  ASSERT_TRUE(host_.Deprovision("zmount", "1-2-image").ok());
  ASSERT_TRUE(Ask("create", {kId, 280 * kMiB}));

  auto const written =
      host_.CallService<Disk>(kStorageDisk, "write_image", DiskImage{kId, source, "abc", true});

  ASSERT_TRUE(written) << written.error().message;
  EXPECT_TRUE(written->formatted);
  EXPECT_EQ(written->image_hash, "abc");
  auto const disk = OpenFile(disk_path(kId), O_RDONLY);
  std::uint64_t total = 0;  // total_bytes of the btrfs super block
  ASSERT_EQ(::pread(disk->get(), &total, sizeof total, 0x10000 + 0x70), 8);
  EXPECT_EQ(total, 280 * kMiB);
}

TEST_F(DiskTest, WriteImageRefusesAnImageThatDoesNotFit) {
  ASSERT_TRUE(Ask("create", {kId, kMiB}));
  auto const source = host_.dir() + "/image";
  ASSERT_TRUE(WriteFile(source, std::string(2 * kMiB, 'x'), 0600));

  auto const written =
      host_.CallService<Disk>(kStorageDisk, "write_image", DiskImage{kId, source, "abc", true});

  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::kInvalid);
  EXPECT_EQ(written.error().message, "image size is bigger than disk");
}

TEST_F(DiskTest, WriteImageIsRepeatedAfterACancelledCopy) {
  ASSERT_TRUE(Ask("create", {kId, 4 * kMiB}));
  auto const source = host_.dir() + "/image";
  ASSERT_TRUE(WriteFile(source, std::string(2 * kMiB, 'x'), 0600));
  DiskImage const request{kId, source, "abc", false};
  host_.Cancel(true);
  auto const cancelled = host_.CallService<Disk>(kStorageDisk, "write_image", request);
  host_.Cancel(false);

  auto const written = host_.CallService<Disk>(kStorageDisk, "write_image", request);

  EXPECT_EQ(cancelled.error().code, Code::kCancelled);
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(ReadFile(disk_path(kId), 8 * kMiB)->substr(0, 2 * kMiB), std::string(2 * kMiB, 'x'));
}

TEST_F(DiskTest, RefusesOwnersThatAreNoNames) {
  EXPECT_EQ(Ask("create", {"../evil", kMiB}).error().code, Code::kInvalid);
  EXPECT_EQ(Ask("create", {"a/b", kMiB}).error().code, Code::kInvalid);
  EXPECT_EQ(Ask("create", {"", kMiB}).error().code, Code::kInvalid);
  EXPECT_EQ(Ask("create", {kId, 0}).error().code, Code::kInvalid);
}

TEST_F(DiskTest, ReconcileReleasesUnknownWorkloadsAndKeepsPlugins) {
  ASSERT_TRUE(Ask("create", {"1-2-keep", kMiB}));
  ASSERT_TRUE(Ask("create", {"1-2-gone", kMiB}));
  ASSERT_TRUE(Ask("create", {"@zdb/own", kMiB}));
  ASSERT_TRUE(host_.CallService<Disk>(kStorageDisk, "claim", DiskClaim{"1-2-keep", "1-2-vm"}));

  ASSERT_TRUE(host_.CallService<json::Nothing>(kStorageDisk, "reconcile", Reconcile{{"1-2-keep"}}));

  auto const list = host_.CallService<DiskList>(kStorageDisk, "list", json::Nothing{});
  ASSERT_EQ(list->disks.size(), 2U);
  EXPECT_EQ(list->disks[0].owner, "1-2-keep");
  EXPECT_TRUE(list->disks[0].claims.empty());
  EXPECT_EQ(list->disks[1].owner, "@zdb/own");
}

TEST_F(DiskTest, RestartFindsThePoolByItsMount) {
  ASSERT_TRUE(Ask("create", {kId, kMiB}));
  ASSERT_TRUE(host_.Unload("storage"));
  ASSERT_TRUE(FindMount(mount_point())->has_value());

  LoadStorage();

  EXPECT_TRUE(Ask("lookup", {kId, 0}));
  EXPECT_EQ(CountLoops(host_.dir()), 1U);
}

TEST_F(DiskTest, PoolBehindALinkIsNotMountedTwice) {
  auto const link = host_.dir() + "/link";
  std::filesystem::create_directory_symlink(pool_, link);
  ASSERT_TRUE(host_.Unload("storage"));
  pool_ = link;

  LoadStorage();

  EXPECT_EQ(CountLoops(host_.dir()), 1U);
}

TEST_F(DiskTest, ReportsPoolsAndCapacity) {
  ASSERT_TRUE(Ask("create", {kId, 10 * kMiB}));

  auto const pools = host_.Providers("pools");
  auto const capacity = host_.Providers("capacity");

  EXPECT_EQ(pools->at(0), R"([{"name":"ssd0","type":"ssd","size":419430400,"used":10485760}])");
  EXPECT_EQ(capacity->at(0), R"({"cru":0,"sru":419430400,"hru":0,"mru":0,"ipv4u":0})");
}

}  // namespace
}  // namespace trellis::testing
