#include "plugins/storage/loop.hpp"

#include "plugins/common/posix/files.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cstring>

namespace trellis::plugins::storage {

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

Result<Loop> AttachLoop(std::string const& file) {
  TRELLIS_TRY(auto const backing, OpenFile(file, O_RDWR));
  TRELLIS_TRY(auto const control, OpenFile("/dev/loop-control", O_RDWR));
  loop_config config{};
  config.fd = static_cast<unsigned>(backing.get());
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
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

Result<void> MountLoop(std::string const& file, std::string const& target, unsigned long flags) {
  TRELLIS_TRY(auto const loop, AttachLoop(file));
  if (::mount(loop.path.c_str(), target.c_str(), "btrfs", flags, nullptr) != 0)
    return FailErrno("mount '{}' on '{}'", file, target);
  return {};
}

}  // namespace trellis::plugins::storage
