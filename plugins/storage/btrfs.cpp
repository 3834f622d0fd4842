#include "plugins/storage/btrfs.hpp"

#include "plugins/common/posix/files.hpp"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cstring>
#include <span>

namespace trellis::plugins::storage {

namespace {

Result<UniqueFd> OpenDir(std::string const& path) {
  return OpenFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

template <class Args>
Result<void> SetName(Args& args, std::string const& name) {
  std::span<char> const target(args.name);
  if (name.size() >= target.size()) return Fail(Code::kInvalid, "name '{}' is too long", name);
  std::memcpy(target.data(), name.data(), name.size());
  return {};
}

// Takes the limits out of one search answer and moves the key behind its last item.
void TakeLimits(btrfs_ioctl_search_args& args, std::map<std::uint64_t, std::uint64_t>& limits) {
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < args.key.nr_items; ++i) {
    btrfs_ioctl_search_header header{};
    std::memcpy(&header, args.buf + at, sizeof header);
    at += sizeof header;
    btrfs_qgroup_limit_item item{};
    if (header.type == BTRFS_QGROUP_LIMIT_KEY && header.len >= sizeof item) {
      std::memcpy(&item, args.buf + at, sizeof item);
      if ((item.flags & BTRFS_QGROUP_LIMIT_MAX_RFER) != 0) limits[header.offset] = item.max_rfer;
    }
    at += header.len;
    args.key.min_objectid = header.objectid;
    args.key.min_type = header.type;
    args.key.min_offset = header.offset + 1;
  }
}

}  // namespace

Result<bool> IsBtrfs(std::string const& path) {
  struct statfs info {};
  if (::statfs(path.c_str(), &info) != 0) return FailErrno("'{}'", path);
  return info.f_type == BTRFS_SUPER_MAGIC;
}

Result<void> EnableQuota(std::string const& path) {
  TRELLIS_TRY(auto const dir, OpenDir(path));
  btrfs_ioctl_quota_ctl_args args{};
  args.cmd = BTRFS_QUOTA_CTL_ENABLE;
  if (::ioctl(dir.get(), BTRFS_IOC_QUOTA_CTL, &args) != 0 && errno != EEXIST)
    return FailErrno("enable quotas of '{}'", path);
  return {};
}

Result<void> CreateSubvolume(std::string const& parent, std::string const& name) {
  TRELLIS_TRY(auto const dir, OpenDir(parent));
  btrfs_ioctl_vol_args args{};
  TRELLIS_CHECK(SetName(args, name));
  if (::ioctl(dir.get(), BTRFS_IOC_SUBVOL_CREATE, &args) == 0) return {};
  if (errno != EEXIST) return FailErrno("create subvolume '{}'", name);
  TRELLIS_TRY([[maybe_unused]] auto const id, SubvolumeId(parent + "/" + name));
  return {};
}

Result<void> DeleteSubvolume(std::string const& parent, std::string const& name) {
  auto const path = parent + "/" + name;
  auto const id = SubvolumeId(path);
  if (!id && id.error().code == Code::kNotFound) return {};
  TRELLIS_CHECK(id);
  TRELLIS_TRY(auto const dir, OpenDir(parent));
  btrfs_ioctl_vol_args args{};
  TRELLIS_CHECK(SetName(args, name));
  if (::ioctl(dir.get(), BTRFS_IOC_SNAP_DESTROY, &args) != 0)
    return FailErrno("delete subvolume '{}'", name);
  // The kernel refuses this until the subvolume is cleaned up and newer ones do it themselves; a
  // group that stays limits nothing.
  btrfs_ioctl_qgroup_create_args group{};
  group.qgroupid = *id;
  ::ioctl(dir.get(), BTRFS_IOC_QGROUP_CREATE, &group);
  return {};
}

Result<std::uint64_t> SubvolumeId(std::string const& path) {
  TRELLIS_TRY(auto const dir, OpenDir(path));
  struct stat info {};
  if (::fstat(dir.get(), &info) != 0) return FailErrno("'{}'", path);
  if (info.st_ino != BTRFS_FIRST_FREE_OBJECTID)
    return Fail(Code::kInvalid, "'{}' is not a subvolume", path);
  btrfs_ioctl_ino_lookup_args args{};
  args.objectid = BTRFS_FIRST_FREE_OBJECTID;
  if (::ioctl(dir.get(), BTRFS_IOC_INO_LOOKUP, &args) != 0) return FailErrno("look up '{}'", path);
  return std::uint64_t{args.treeid};
}

Result<void> SetLimit(std::string const& path, std::uint64_t bytes) {
  TRELLIS_TRY(auto const dir, OpenDir(path));
  btrfs_ioctl_qgroup_limit_args args{};
  args.lim.flags = BTRFS_QGROUP_LIMIT_MAX_RFER;
  args.lim.max_rfer = bytes;
  if (::ioctl(dir.get(), BTRFS_IOC_QGROUP_LIMIT, &args) != 0)
    return FailErrno("limit '{}' to {} bytes", path, bytes);
  return {};
}

Result<std::map<std::uint64_t, std::uint64_t>> ReadLimits(std::string const& path) {
  TRELLIS_TRY(auto const dir, OpenDir(path));
  std::map<std::uint64_t, std::uint64_t> limits;
  btrfs_ioctl_search_args args{};
  args.key.tree_id = BTRFS_QUOTA_TREE_OBJECTID;
  args.key.min_type = BTRFS_QGROUP_LIMIT_KEY;
  args.key.max_type = BTRFS_QGROUP_LIMIT_KEY;
  args.key.max_offset = UINT64_MAX;
  args.key.max_transid = UINT64_MAX;
  while (true) {
    args.key.nr_items = 64;
    if (::ioctl(dir.get(), BTRFS_IOC_TREE_SEARCH, &args) != 0)
      return FailErrno("read the quotas of '{}'", path);
    if (args.key.nr_items == 0) return limits;
    TakeLimits(args, limits);
  }
}

Result<void> GrowToDevice(std::string const& mount_point) {
  TRELLIS_TRY(auto const dir, OpenDir(mount_point));
  btrfs_ioctl_vol_args args{};
  TRELLIS_CHECK(SetName(args, "max"));
  if (::ioctl(dir.get(), BTRFS_IOC_RESIZE, &args) < 0) return FailErrno("grow '{}'", mount_point);
  return {};
}

}  // namespace trellis::plugins::storage
