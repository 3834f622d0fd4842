// Subvolumes and quota groups of a btrfs file system, by ioctl. Thread-safe: no state.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace trellis::plugins::storage {

/// Is `path` on btrfs?
Result<bool> IsBtrfs(std::string const& path);
/// Switches quotas of the file system on; OK when they are.
Result<void> EnableQuota(std::string const& path);
/// Makes `<parent>/<name>`; OK when it is a subvolume already.
Result<void> CreateSubvolume(std::string const& parent, std::string const& name);
/// Deletes `<parent>/<name>` and its quota group; OK when missing.
Result<void> DeleteSubvolume(std::string const& parent, std::string const& name);
/// The id of the subvolume that `path` is the root of. kInvalid when it is none.
Result<std::uint64_t> SubvolumeId(std::string const& path);
/// Limits what the subvolume at `path` refers to, in bytes.
Result<void> SetLimit(std::string const& path, std::uint64_t bytes);
/// Limits of all quota groups that have one: subvolume id -> bytes.
Result<std::map<std::uint64_t, std::uint64_t>> ReadLimits(std::string const& path);
/// Grows the mounted file system to the size of its device.
Result<void> GrowToDevice(std::string const& mount_point);

}  // namespace trellis::plugins::storage
