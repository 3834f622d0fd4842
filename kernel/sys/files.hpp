// Files as whole values: read, replace, lock.
#pragma once

#include "kernel/sys/fd.hpp"

#include <trellis/result.hpp>

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace trellis::sys {

inline constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20U;
inline constexpr mode_t kPrivateFile = 0600;
inline constexpr mode_t kPublicFile = 0644;
inline constexpr mode_t kPrivateDirectory = 0700;
inline constexpr mode_t kPublicDirectory = 0755;

/// The whole content; kExhausted above `max_bytes`.
Result<std::string> ReadFile(std::filesystem::path const& file,
                             std::size_t max_bytes = kMaxFileBytes);
/// Replaces the file: after a crash it has the old or the new content. Durable when it returns.
Result<void> WriteFileAtomic(std::filesystem::path const& file, std::string_view content,
                             mode_t mode = kPublicFile);
/// Writes to an existing file without replacing it (sysfs, procfs, cgroups).
Result<void> WriteExisting(std::filesystem::path const& file, std::string_view content);
/// Makes the folder and its parents; sets `mode` on the folder itself, also when it was there.
Result<void> EnsureDirectory(std::filesystem::path const& folder, mode_t mode = kPublicDirectory);
/// Makes a rename or a new entry in `folder` durable.
Result<void> SyncDirectory(std::filesystem::path const& folder);
/// CLOEXEC is added to `flags`.
Result<UniqueFd> OpenFile(std::filesystem::path const& file, int flags, mode_t mode = kPublicFile);
/// Writes everything.
Result<void> WriteAll(int fd, std::string_view bytes);

/// An advisory lock on a file, held until destruction (also when the process dies).
class LockFile {
 public:
  /// Creates the file if needed. kBusy when another holder has it.
  static Result<LockFile> Acquire(std::filesystem::path const& file);

 private:
  explicit LockFile(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace trellis::sys
