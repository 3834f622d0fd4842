// The flist plugin mounts images that are served by processes, and by the kernel.
#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/mounts.hpp"
#include "plugins/common/posix/tool.hpp"
#include "plugins/flist/rfs/pack.hpp"
#include "tests/integration/storage/flist_fixture.hpp"
#include "tests/support/own_namespaces.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/real_processes.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

#include <filesystem>

namespace trellis::testing {
namespace {

using namespace trellis::services;
namespace fs = std::filesystem;
using plugins::flist::Pack;
using ::testing::HasSubstr;

class RfsPluginTest : public FlistTest {
 protected:
  void SetUp() override {
    EnterOwnNamespaces();
    processes_ = std::make_unique<RealProcesses>(host_, host_.dir() + "/keeper");
    Load();
    fs::create_directories(upper());
    WriteText(images_ / "root/etc/hostname", "node");
    WriteText(images_ / "root/big", std::string(3 << 20, 'b'));
  }
  void TearDown() override {
    EXPECT_TRUE(host_.CallService<json::Nothing>(kImageFlist, "reconcile", Reconcile{}));
    host_.RunTasks();
    FlistTest::TearDown();
    EXPECT_TRUE(host_.Processes().empty());
    EXPECT_TRUE(host_.Unload("flist"));
    processes_.reset();
  }
  void Load(int linger_s = 0) {
    LoadFlist(fmt::format(R"(,"ro_linger_s":{},"program":"{}/bin/trellis-flistfs")", linger_s,
                          TRELLIS_BUILD_DIR));
  }
  /// The image's path.
  std::string PackRoot() {
    auto file = images_ / "any name";
    auto const packed =
        Pack({images_ / "root", file, {{0, 255, "dir://" + (images_ / "store")}}, {}});
    EXPECT_TRUE(packed) << packed.error().message;
    return file;
  }
  /// The only server that runs.
  std::string ServerName() {
    auto const all = host_.Processes();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? "" : all.begin()->first;
  }

  std::unique_ptr<RealProcesses> processes_;
};

TEST_F(RfsPluginTest, ImageIsMountedReadOnly) {
  auto const mounted = Mount(PackRoot());

  ASSERT_TRUE(mounted) << mounted.error().message;
  EXPECT_EQ(mounted->kind, "container");
  EXPECT_EQ(mounted->hash.size(), 32U);
  EXPECT_EQ(ReadText(mounted->path + "/etc/hostname"), "node");
  EXPECT_EQ(::open((mounted->path + "/new").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600), -1);
  EXPECT_EQ(errno, EROFS);
}

TEST_F(RfsPluginTest, UsersShareOneServerAndWriteApart) {
  auto const image = PackRoot();
  auto const one = Mount(image, "rw");
  auto const two = Mount(image, "ro", "other");
  ASSERT_TRUE(one && two);

  WriteText(one->path + "/etc/hostname", "changed");

  EXPECT_EQ(ReadText(one->path + "/etc/hostname"), "changed");
  EXPECT_EQ(ReadText(two->path + "/etc/hostname"), "node");
  EXPECT_EQ(host_.Processes().size(), 1U);
}

TEST_F(RfsPluginTest, ImageOutlivesThePlugin) {
  auto const image = PackRoot();
  auto const mounted = Mount(image);
  ASSERT_TRUE(mounted);
  auto const pid = processes_->PidOf(ServerName());
  ASSERT_TRUE(host_.Unload("flist"));

  EXPECT_EQ(ReadText(mounted->path + "/etc/hostname"), "node");

  Load();
  EXPECT_TRUE(Mount(image));
  EXPECT_EQ(processes_->PidOf(ServerName()), pid);
}

TEST_F(RfsPluginTest, KilledServerIsReplacedUnderItsUsers) {
  auto const image = PackRoot();
  auto const read_only = Mount(image, "ro", "other");
  auto const writable = Mount(image, "rw");
  ASSERT_TRUE(read_only && writable);
  WriteText(writable->path + "/mine", "kept");
  auto const name = ServerName();
  auto const pid = processes_->PidOf(name);
  ASSERT_GT(pid, 0);

  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_TRUE(processes_->DeliverEnd(name.substr(name.find('/') + 1)));

  EXPECT_EQ(ReadText(read_only->path + "/etc/hostname"), "node");
  EXPECT_EQ(ReadText(writable->path + "/etc/hostname"), "node");
  EXPECT_EQ(ReadText(writable->path + "/mine"), "kept");
  EXPECT_NE(processes_->PidOf(name), pid);
}

TEST_F(RfsPluginTest, MountOfAKilledServerIsRepairedWhenAskedForAgain) {
  auto const image = PackRoot();
  auto const mounted = Mount(image);
  ASSERT_TRUE(mounted);
  ASSERT_TRUE(host_.Unload("flist"));
  auto const pid = processes_->PidOf(ServerName());
  plugins::UniqueFd const process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  pollfd ended{process.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&ended, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())), 1);
  Load();

  auto const again = Mount(image);

  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->path, mounted->path);
  EXPECT_EQ(ReadText(again->path + "/etc/hostname"), "node");
}

TEST_F(RfsPluginTest, HangingServerHoldsUpNobodyWhoAsks) {
  auto const image = PackRoot();
  auto const mounted = Mount(image);
  ASSERT_TRUE(mounted);
  auto const pid = processes_->PidOf(ServerName());
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);

  auto const again = Mount(image);
  host_.RunTasks();

  EXPECT_TRUE(again) << again.error().message;
  ASSERT_EQ(::kill(pid, SIGCONT), 0);
  EXPECT_EQ(ReadText(mounted->path + "/etc/hostname"), "node");
}

TEST_F(RfsPluginTest, MountThatCouldNotBeRepairedIsTriedAgain) {
  auto const mounted = Mount(PackRoot(), "rw");
  ASSERT_TRUE(mounted);
  auto const name = ServerName();
  auto const kept = upper() + ".kept";
  fs::rename(upper(), kept);
  WriteText(upper(), "in the way");  // so that the overlay cannot be mounted anew
  ASSERT_EQ(::kill(processes_->PidOf(name), SIGKILL), 0);
  ASSERT_TRUE(processes_->DeliverEnd(name.substr(name.find('/') + 1)));
  ASSERT_FALSE(Exists(mounted->path + "/etc/hostname"));

  fs::remove(upper());
  fs::rename(kept, upper());
  host_.RunTasks();

  EXPECT_EQ(ReadText(mounted->path + "/etc/hostname"), "node");
}

TEST_F(RfsPluginTest, UnusedImageIsUnmountedAfterAWhile) {
  ASSERT_TRUE(host_.Unload("flist"));
  Load(3600);
  ASSERT_TRUE(Mount(PackRoot()));
  ASSERT_TRUE(Unmount());

  host_.RunTasks();
  EXPECT_EQ(host_.Processes().size(), 1U) << "somebody may want it again";

  ASSERT_TRUE(host_.Unload("flist"));
  Load(0);
  host_.RunTasks();
  EXPECT_TRUE(host_.Processes().empty());
}

TEST_F(RfsPluginTest, StoresOfAnImageStayInsideWhatTheNodeOffers) {
  TempDir const elsewhere;
  auto const image = images_ / "image.fl";
  ASSERT_TRUE(Pack({images_ / "root", image, {{0, 255, "dir://" + elsewhere.path()}}, {}}));

  auto const mounted = Mount(image);

  ASSERT_TRUE(mounted) << mounted.error().message;
  plugins::UniqueFd const file(::open((mounted->path + "/big").c_str(), O_RDONLY | O_CLOEXEC));
  char byte = 0;
  EXPECT_EQ(::read(file.get(), &byte, 1), -1);
  EXPECT_EQ(errno, EIO);
}

TEST_F(RfsPluginTest, ServerThatDoesNotComeUpIsOneClearError) {
  ASSERT_TRUE(host_.Unload("flist"));
  LoadFlist(R"(,"ro_linger_s":0,"program":"/bin/false")");

  auto const mounted = Mount(PackRoot());

  ASSERT_FALSE(mounted);
  EXPECT_EQ(mounted.error().code, Code::kUnavailable);
  EXPECT_EQ(mounted.error().message,
            "failed to mount flist: the file server of the image does not come up; see its log");
}

TEST_F(RfsPluginTest, DamagedImageIsRefusedBeforeAnythingStarts) {
  auto const image = PackRoot();
  fs::resize_file(image, fs::file_size(image) / 4);

  auto const mounted = Mount(image);

  ASSERT_FALSE(mounted);
  EXPECT_TRUE(host_.Processes().empty());
}

TEST_F(RfsPluginTest, ImageThatChangesUnderItsUrlDoesNotChangeUnderItsUsers) {
  auto const image = PackRoot();
  auto const mounted = Mount(image);
  ASSERT_TRUE(mounted);
  WriteText(images_ / "root/etc/hostname", "another");
  (void)PackRoot();

  EXPECT_EQ(ReadText(mounted->path + "/etc/hostname"), "node");
  auto const next = Mount(image, "ro", "other");
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_EQ(ReadText(next->path + "/etc/hostname"), "another");
  EXPECT_NE(next->hash, mounted->hash);
}

TEST_F(RfsPluginTest, SquashfsIsMountedByTheKernel) {
  auto const image = images_ / "image";
  auto const made = plugins::RunTool({"mksquashfs", images_ / "root", image, "-quiet"}, kPatience);
  ASSERT_TRUE(made) << made.error().message;

  auto const mounted = Mount(image, "rw");

  ASSERT_TRUE(mounted) << mounted.error().message;
  EXPECT_EQ(ReadText(mounted->path + "/etc/hostname"), "node");
  WriteText(mounted->path + "/mine", "x");
  EXPECT_EQ(ReadText(upper() + "/rw/mine"), "x");
}

TEST_F(RfsPluginTest, DamagedSquashfsIsAnError) {
  WriteText(images_ / "image", "hsqs" + std::string(8192, 'x'));

  auto const mounted = Mount(images_ / "image");

  ASSERT_FALSE(mounted);
  EXPECT_THAT(mounted.error().message, HasSubstr("failed to mount flist: mount '"));
}

}  // namespace
}  // namespace trellis::testing
