#include "plugins/flist/mounter.hpp"

#include "plugins/common/posix/files.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

namespace trellis::plugins::flist {

namespace {

constexpr std::uint64_t kAttributes = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOATIME;

// overlayfs takes ':' and '\' in its directories as syntax.
std::string Escaped(std::string const& path) {
  std::string out;
  for (char const c : path) {
    if (c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

Result<void> Attach(int mount, std::string const& target) {
  if (::move_mount(mount, "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
    return FailErrno("mount on '{}'", target);
  return {};
}

Result<void> SetOption(int context, char const* key, std::string const& value) {
  if (::fsconfig(context, FSCONFIG_SET_STRING, key, value.c_str(), 0) != 0)
    return FailErrno("overlay option '{}'", key);
  return {};
}

}  // namespace

Result<void> MountReadOnly(std::string const& source, std::string const& target) {
  UniqueFd const tree(::open_tree(AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree) return FailErrno("show '{}'", source);
  mount_attr attributes{};
  attributes.attr_set = kAttributes | MOUNT_ATTR_RDONLY;
  attributes.attr_clr = MOUNT_ATTR__ATIME;
  attributes.propagation = MS_PRIVATE;
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0)
    return FailErrno("make '{}' read-only", target);
  return Attach(tree.get(), target);
}

Result<void> MountOverlay(std::string const& lower, std::string const& upper,
                          std::string const& target) {
  TRELLIS_CHECK(MakeDirs(upper + "/rw", 0755));
  TRELLIS_CHECK(MakeDirs(upper + "/wd", 0755));
  UniqueFd const context(::fsopen("overlay", FSOPEN_CLOEXEC));
  if (!context) return FailErrno("open overlayfs");
  TRELLIS_CHECK(SetOption(context.get(), "lowerdir", Escaped(lower)));
  TRELLIS_CHECK(SetOption(context.get(), "upperdir", Escaped(upper + "/rw")));
  TRELLIS_CHECK(SetOption(context.get(), "workdir", Escaped(upper + "/wd")));
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return FailErrno("make an overlay on '{}'", upper);
  UniqueFd const mount(
      ::fsmount(context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(kAttributes)));
  if (!mount) return FailErrno("mount the overlay of '{}'", upper);
  return Attach(mount.get(), target);
}

}  // namespace trellis::plugins::flist
