#include "plugins/storage/disk_file.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/loop.hpp"
#include "plugins/common/posix/mounts.hpp"
#include "plugins/common/posix/tool.hpp"
#include "plugins/storage/btrfs.hpp"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <vector>

namespace trellis::plugins::storage {

namespace {

constexpr std::uint64_t kMixedBelow = std::uint64_t{256} << 20;  // mkfs.btrfs advises it
constexpr std::uint64_t kResizable = std::uint64_t{256} << 20;   // the kernel resizes none below
constexpr std::size_t kCopyBlock = std::size_t{1} << 20;
constexpr std::chrono::seconds kMkfsLimit{120};

Result<std::uint64_t> FileSize(int fd, std::string const& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return FailErrno("'{}'", path);
  if (!S_ISREG(info.st_mode)) return Fail(Code::kInvalid, "'{}' is not a regular file", path);
  return static_cast<std::uint64_t>(info.st_size);
}

Result<void> GiveTo(int fd, std::string const& user) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return {};
  if (::fchown(fd, entry.pw_uid, entry.pw_gid) != 0)
    return FailErrno("give the disk to '{}'", user);
  return {};
}

Result<void> DisableCow(int fd) {
  int flags = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) return FailErrno("read the flags of the disk");
  flags |= FS_NOCOW_FL;
  if (::ioctl(fd, FS_IOC_SETFLAGS, &flags) != 0) return FailErrno("set the flags of the disk");
  return {};
}

using Probe = std::unique_ptr<blkid_struct_probe, decltype(&blkid_free_probe)>;

// "" when libblkid finds nothing, "?" when it is not sure.
Result<std::string> ProbeType(std::string const& path) {
  TRELLIS_TRY(auto const fd, OpenFile(path, O_RDONLY | O_NOFOLLOW));
  Probe const probe(blkid_new_probe(), &blkid_free_probe);
  if (!probe || blkid_probe_set_device(probe.get(), fd.get(), 0, 0) != 0)
    return Fail(Code::kIo, "cannot probe '{}'", path);
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE);
  blkid_probe_enable_partitions(probe.get(), 1);
  int const found = blkid_do_safeprobe(probe.get());
  if (found == 1) return std::string();
  if (found == -1) return Fail(Code::kIo, "cannot probe '{}'", path);
  char const* type = nullptr;
  if (found == 0 && blkid_probe_lookup_value(probe.get(), "TYPE", &type, nullptr) == 0)
    return std::string(type);
  return std::string("?");
}

Result<void> WriteAt(int fd, std::vector<char> const& block, std::size_t size,
                     std::uint64_t offset) {
  std::size_t done = 0;
  while (done < size) {
    auto const wrote =
        ::pwrite(fd, block.data() + done, size - done, static_cast<off_t>(offset + done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return FailErrno("write the image");
    done += static_cast<std::size_t>(wrote);
  }
  return {};
}

}  // namespace

Result<void> MakeDiskFile(std::string const& dir, std::string const& name, std::uint64_t size,
                          std::string const& user) {
  TRELLIS_TRY(auto const fd, OpenFile(dir, O_TMPFILE | O_RDWR, 0600));
  TRELLIS_CHECK(DisableCow(fd.get()));
  if (::fallocate(fd.get(), 0, 0, static_cast<off_t>(size)) != 0)
    return FailErrno("allocate {} bytes", size);
  TRELLIS_CHECK(GiveTo(fd.get(), user));
  if (::fsync(fd.get()) != 0) return FailErrno("sync the disk");
  auto const source = fmt::format("/proc/self/fd/{}", fd.get());
  auto const target = dir + "/" + name;
  if (::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, target.c_str(), AT_SYMLINK_FOLLOW) != 0)
    return FailErrno("name the disk '{}'", name);
  return {};
}

Result<void> GrowDiskFile(std::string const& path, std::uint64_t old_size, std::uint64_t size) {
  TRELLIS_TRY(auto const fd, OpenFile(path, O_RDWR | O_NOFOLLOW));
  if (::fallocate(fd.get(), 0, 0, static_cast<off_t>(size)) == 0) return {};
  auto failed = FailErrno("allocate {} bytes", size);
  if (::ftruncate(fd.get(), static_cast<off_t>(old_size)) != 0)
    return FailErrno("undo the growth of '{}'", path);
  return failed;
}

Result<bool> HasSignature(std::string const& path) {
  TRELLIS_TRY(auto const type, ProbeType(path));
  return !type.empty();
}

Result<void> MakeFileSystem(std::string const& path, std::string const& kind) {
  TRELLIS_TRY(auto const fd, OpenFile(path, O_RDONLY | O_NOFOLLOW));
  TRELLIS_TRY(auto const size, FileSize(fd.get(), path));
  // Without discard: it would punch holes into the preallocated file.
  std::vector<std::string> command;
  if (kind == "btrfs") {
    command = {"mkfs.btrfs", "-q", "-f", "-K"};
    if (size < kMixedBelow) command.emplace_back("-M");
  } else if (kind == "ext4") {
    command = {"mkfs.ext4", "-q", "-F", "-E", "nodiscard"};
  } else {
    return Fail(Code::kInvalid, "cannot format a disk with '{}'", kind);
  }
  command.push_back(path);
  TRELLIS_CHECK(RunTool(command, kMkfsLimit));
  return {};
}

Result<void> CheckImageFits(std::string const& source, std::uint64_t disk_size) {
  TRELLIS_TRY(auto const fd, OpenFile(source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  TRELLIS_TRY(auto const size, FileSize(fd.get(), source));
  if (size > disk_size) return Fail(Code::kInvalid, "image size is bigger than disk");
  return {};
}

Result<void> CopyImage(Call& call, std::string const& source, std::string const& target) {
  TRELLIS_TRY(auto const from, OpenFile(source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  TRELLIS_TRY(auto const to, OpenFile(target, O_RDWR | O_NOFOLLOW));
  TRELLIS_TRY(auto const size, FileSize(from.get(), source));
  std::vector<char> block(kCopyBlock);
  for (std::uint64_t offset = 0; offset < size;) {
    TRELLIS_CHECK(call.Checkpoint());
    auto const got = ::pread(from.get(), block.data(), block.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno("read the image");
    if (got == 0) return Fail(Code::kIo, "the image became shorter while it was copied");
    auto const bytes = static_cast<std::size_t>(got);
    TRELLIS_CHECK(WriteAt(to.get(), block, bytes, offset));
    offset += bytes;
  }
  if (::fdatasync(to.get()) != 0) return FailErrno("sync the disk");
  return {};
}

Result<void> GrowFileSystem(std::string const& path, std::string const& mount_point) {
  TRELLIS_TRY(auto const type, ProbeType(path));
  TRELLIS_TRY(auto const fd, OpenFile(path, O_RDONLY | O_NOFOLLOW));
  TRELLIS_TRY(auto const size, FileSize(fd.get(), path));
  if (type != "btrfs" || size < kResizable) return {};
  TRELLIS_CHECK(MakeDirs(mount_point, 0700));
  TRELLIS_CHECK(
      MountLoop(path, mount_point, "btrfs", MS_NOATIME | MS_NODEV | MS_NOSUID | MS_NOEXEC));
  auto grown = GrowToDevice(mount_point);
  TRELLIS_CHECK(Unmount(mount_point));
  if (::rmdir(mount_point.c_str()) != 0) return FailErrno("remove '{}'", mount_point);
  return grown;
}

}  // namespace trellis::plugins::storage
