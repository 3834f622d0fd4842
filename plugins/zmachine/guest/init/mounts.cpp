#include "plugins/zmachine/guest/init/mounts.hpp"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <sstream>
#include <string>

namespace trellis::guest {
namespace {

bool Mount(char const* source, char const* target, char const* type, unsigned long flags,
           char const* data = nullptr) {
  if (::mount(source, target, type, flags, data) == 0) return true;
  if (errno == EBUSY) return true;  // the kernel has mounted it already
  return false;
}

void MountOrLog(char const* source, std::string const& target, char const* type,
                unsigned long flags, char const* data = nullptr) {
  MakeFolders(target);
  if (!Mount(source, target.c_str(), type, flags, data)) {
    Log("mount failed: " + target + ": " + ErrnoText());
  }
}

void GrowBtrfs(std::string const& target) {
  Fd const folder(::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  btrfs_ioctl_vol_args arguments{};
  std::strcpy(arguments.name, "max");
  if (::ioctl(folder.get(), BTRFS_IOC_RESIZE, &arguments) < 0) {
    Log("cannot grow " + target + ": " + ErrnoText());
  }
}

void GrowExt4(std::string const& device, std::string const& target) {
  constexpr unsigned long kExt4Resize = _IOW('f', 16, std::uint64_t);  // no public header has it
  Fd const disk(::open(device.c_str(), O_RDONLY | O_CLOEXEC));
  Fd const folder(::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::uint64_t size = 0;
  struct statfs info {};
  if (::ioctl(disk.get(), BLKGETSIZE64, &size) != 0 || ::fstatfs(folder.get(), &info) != 0) return;
  std::uint64_t blocks = size / static_cast<std::uint64_t>(info.f_bsize);
  if (::ioctl(folder.get(), kExt4Resize, &blocks) != 0 && errno != EBUSY) {
    Log("cannot grow " + target + ": " + ErrnoText());
  }
}

/// The value of `key=` on the kernel command line; the last one counts.
std::string KernelOption(std::string const& line, std::string const& key) {
  std::istringstream words(line);
  std::string value;
  for (std::string word; words >> word;) {
    if (word.starts_with(key + "=")) value = word.substr(key.size() + 1);
  }
  return value;
}

bool MountDisk(SeedMount const& mount, ModuleStore const& modules) {
  // btrfs costs up to a second to load, so only machines with disks pay for it.
  modules.Load("btrfs");
  if (::mount(mount.source.c_str(), mount.target.c_str(), "btrfs", MS_NOATIME, nullptr) == 0) {
    GrowBtrfs(mount.target);
    return true;
  }
  if (::mount(mount.source.c_str(), mount.target.c_str(), "ext4", MS_NOATIME, nullptr) == 0) {
    GrowExt4(mount.source, mount.target);
    return true;
  }
  return false;
}

}  // namespace

void MountKernelFolders() {
  Mount("dev", "/dev", "devtmpfs", MS_NOSUID);
  Mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
  Mount("sys", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC);
}

bool MountRoot(DeviceEvents const& events, ModuleStore const& modules) {
  constexpr int kTries = 5;
  auto const line = ReadFile("/proc/cmdline");
  auto source = KernelOption(line, "root");
  auto type = KernelOption(line, "rootfstype");
  if (!source.starts_with("/dev/") || type.empty()) {
    source = "vroot";
    type = "virtiofs";
  }
  if (type == "btrfs") modules.Load("btrfs");
  for (int attempt = 0; attempt < kTries; ++attempt) {
    if (::mount(source.c_str(), "/newroot", type.c_str(), 0, nullptr) == 0) return true;
    events.Wait(std::chrono::seconds(1));
  }
  return false;
}

bool SwitchRoot() {
  for (std::string const name : {"/dev", "/proc", "/sys"}) {
    auto const target = "/newroot" + name;
    struct stat info {};
    // A link there would lead back into the initramfs.
    if (::lstat(target.c_str(), &info) == 0 && !S_ISDIR(info.st_mode)) ::unlink(target.c_str());
    ::mkdir(target.c_str(), 0755);
    if (::mount(name.c_str(), target.c_str(), nullptr, MS_MOVE, nullptr) != 0) return false;
  }
  ::unlink("/init");  // frees its memory at exec
  return ::chdir("/newroot") == 0 && ::mount(".", "/", nullptr, MS_MOVE, nullptr) == 0 &&
         ::chroot(".") == 0 && ::chdir("/") == 0;
}

void MountRuntimeFolders() {
  MountOrLog("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "mode=620,ptmxmode=666,gid=5");
  MountOrLog("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
  MountOrLog("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC);
  ::symlink("/proc/self/fd", "/dev/fd");
  ::symlink("/proc/self/fd/0", "/dev/stdin");
  ::symlink("/proc/self/fd/1", "/dev/stdout");
  ::symlink("/proc/self/fd/2", "/dev/stderr");
}

void MountWorkload(Seed const& seed, ModuleStore const& modules) {
  for (auto const& mount : seed.mounts) {
    bool done = MakeFolders(mount.target);
    if (done && mount.type == "virtiofs") {
      done = ::mount(mount.source.c_str(), mount.target.c_str(), "virtiofs", 0, nullptr) == 0;
    } else if (done) {
      done = MountDisk(mount, modules);
    }
    if (!done) Log("mount failed: " + mount.target + ": " + ErrnoText());
  }
}

}  // namespace trellis::guest
