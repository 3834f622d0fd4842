// One disk file: making, growing, formatting and filling it. Thread-safe: no state; callers keep
// two calls from working on one file at once.
#pragma once

#include <trellis/host.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <string>

namespace trellis::plugins::storage {

/// Makes `<dir>/<name>` of `size` preallocated bytes, NOCOW, mode 0600, owned by `user` (root when
/// there is no such user). The name appears when the file is complete. kExhausted.
Result<void> MakeDiskFile(std::string const& dir, std::string const& name, std::uint64_t size,
                          std::string const& user);
/// Preallocates up to `size`; on failure the file keeps `old_size`. kExhausted.
Result<void> GrowDiskFile(std::string const& path, std::uint64_t old_size, std::uint64_t size);
/// Does it carry a file system or partition table, or something that could be either?
Result<bool> HasSignature(std::string const& path);
/// mkfs of kind `btrfs` or `ext4`, over whatever is there. kInvalid for another kind.
Result<void> MakeFileSystem(std::string const& path, std::string const& kind);

/// kInvalid `image size is bigger than disk`.
Result<void> CheckImageFits(std::string const& source, std::uint64_t disk_size);
/// Copies the file `source` to the start of `target`. kCancelled.
Result<void> CopyImage(Call& call, std::string const& source, std::string const& target);
/// Grows a btrfs that fills the whole file to the file's size, mounting it on the new directory
/// `mount_point` meanwhile; other contents and files below 256 MiB are left alone.
Result<void> GrowFileSystem(std::string const& path, std::string const& mount_point);

}  // namespace trellis::plugins::storage
