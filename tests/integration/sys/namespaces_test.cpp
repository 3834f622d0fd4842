// Mounts and network namespaces of the machine; needs root.
#include "kernel/sys/files.hpp"
#include "kernel/sys/mount.hpp"
#include "kernel/sys/netns.hpp"
#include "kernel/sys/process.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace trellis::sys {
namespace {

using namespace std::chrono_literals;

constexpr auto kThisNamespace = "/proc/thread-self/ns/net";

ino_t Inode(std::filesystem::path const& file) {
  struct stat info {};
  return ::stat(file.c_str(), &info) == 0 ? info.st_ino : 0;
}

/// `ip netns add`, removed at the end.
class NamedNetns {
 public:
  NamedNetns() : name_(fmt::format("trl-sys-{}", ::getpid())) {
    EXPECT_TRUE(RunTool({"ip", "netns", "add", name_}, testing::kPatience));
  }
  ~NamedNetns() { EXPECT_TRUE(RunTool({"ip", "netns", "delete", name_}, testing::kPatience)); }
  NamedNetns(NamedNetns const&) = delete;
  NamedNetns& operator=(NamedNetns const&) = delete;
  [[nodiscard]] std::filesystem::path file() const {
    return std::filesystem::path("/run/netns") / name_;
  }

 private:
  std::string name_;
};

TEST(NetnsScope, EntersAndComesBack) {
  NamedNetns const other;
  auto const home = Inode(kThisNamespace);
  {
    auto const scope = NetnsScope::Enter(other.file());
    ASSERT_TRUE(scope) << scope.error().message;

    EXPECT_EQ(Inode(kThisNamespace), Inode(other.file()));
  }

  EXPECT_EQ(Inode(kThisNamespace), home);
}

TEST(NetnsScope, NamesANamespaceThatIsMissing) {
  auto const scope = NetnsScope::Enter("/run/netns/trl-none");

  ASSERT_FALSE(scope);
  EXPECT_EQ(scope.error().code, Code::kNotFound);
}

TEST(Mount, EndsWithItsOwner) {
  testing::TempDir const dir;
  ASSERT_TRUE(EnsureDirectory(dir / "m"));
  {
    auto const mount = Mount::Make({.source = "none", .target = dir / "m", .type = "tmpfs"});
    ASSERT_TRUE(mount) << mount.error().message;
    ASSERT_TRUE(WriteFileAtomic(dir / "m/file", "x"));
  }

  EXPECT_FALSE(std::filesystem::exists(dir / "m/file"));
}

TEST(Mount, KeptOnesStayUntilUnmounted) {
  testing::TempDir const dir;
  ASSERT_TRUE(EnsureDirectory(dir / "m"));
  {
    auto mount = Mount::Make({.source = "none", .target = dir / "m", .type = "tmpfs"});
    ASSERT_TRUE(mount) << mount.error().message;
    ASSERT_TRUE(WriteFileAtomic(dir / "m/file", "x"));
    mount->Keep();
  }
  EXPECT_TRUE(std::filesystem::exists(dir / "m/file"));

  EXPECT_TRUE(Unmount(dir / "m"));
  EXPECT_TRUE(Unmount(dir / "m"));

  EXPECT_FALSE(std::filesystem::exists(dir / "m/file"));
}

}  // namespace
}  // namespace trellis::sys
