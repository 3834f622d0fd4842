#include "kernel/sys/mount.hpp"

#include "kernel/sys/errors.hpp"

#include <sys/mount.h>

#include <cerrno>

namespace trellis::sys {

Result<Mount> Mount::Make(MountOptions const& options) {
  char const* const type = options.type.empty() ? nullptr : options.type.c_str();
  void const* const data = options.data.empty() ? nullptr : options.data.c_str();
  if (::mount(options.source.c_str(), options.target.c_str(), type, options.flags, data) != 0)
    return Fail("mount", options.target.native());
  return Mount(options.target);
}

Mount::~Mount() {
  if (!target_.empty()) ::umount2(target_.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
}

Result<void> Unmount(std::filesystem::path const& target) {
  if (::umount2(target.c_str(), UMOUNT_NOFOLLOW) == 0) return {};
  if (errno == EBUSY && ::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return {};
  if (errno == EINVAL || errno == ENOENT) return {};
  return Fail("unmount", target.native());
}

}  // namespace trellis::sys
