#include "plugins/common/posix/loop.hpp"

#include "plugins/common/posix/files.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cstring>

namespace trellis::plugins {

namespace {

constexpr int kLoopMajor = 7;
constexpr int kAttempts = 32;  // another process may take the free device first

struct Loop {
  UniqueFd fd;
  std::string path;
};

Result<Loop> OpenFreeLoop(int control) {
  int const number = ::ioctl(control, LOOP_CTL_GET_FREE);
  if (number < 0) return FailErrno("find a free loop device");
  auto const path = fmt::format("/dev/loop{}", number);
  // Without udev the node of a new device may be missing.
  if (::access(path.c_str(), F_OK) != 0)
    ::mknod(path.c_str(), S_IFBLK | 0600, makedev(kLoopMajor, static_cast<unsigned>(number)));
  TRELLIS_TRY(auto fd, OpenFile(path, O_RDWR));
  return Loop{std::move(fd), path};
}

Result<Loop> AttachLoop(std::string const& file, bool read_only) {
  TRELLIS_TRY(auto const backing, OpenFile(file, read_only ? O_RDONLY : O_RDWR));
  TRELLIS_TRY(auto const control, OpenFile("/dev/loop-control", O_RDWR));
  loop_config config{};
  config.fd = static_cast<unsigned>(backing.get());
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
  if (read_only) config.info.lo_flags |= LO_FLAGS_READ_ONLY;
  auto const shown = file.substr(0, LO_NAME_SIZE - 1);
  std::memcpy(config.info.lo_file_name, shown.data(), shown.size());
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    TRELLIS_TRY(auto loop, OpenFreeLoop(control.get()));
    if (::ioctl(loop.fd.get(), LOOP_CONFIGURE, &config) == 0) return loop;
    if (errno != EBUSY) return FailErrno("attach '{}' to '{}'", file, loop.path);
  }
  return Fail(Code::kBusy, "no free loop device for '{}'", file);
}

}  // namespace

Result<void> MountLoop(std::string const& file, std::string const& target, char const* fs,
                       unsigned long flags) {
  TRELLIS_TRY(auto const loop, AttachLoop(file, (flags & MS_RDONLY) != 0));
  if (::mount(loop.path.c_str(), target.c_str(), fs, flags, nullptr) == 0) return {};
  if (errno == ENODEV)
    return Fail(Code::kUnsupported, "the kernel of this node has no file system '{}'", fs);
  return FailErrno("mount '{}' on '{}'", file, target);
}

}  // namespace trellis::plugins
