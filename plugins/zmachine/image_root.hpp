// Files of a machine's image: read, copied out, put in. Links never lead out of the image.
#pragma once

#include <trellis/host.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <string>

namespace trellis::plugins::zmachine {

/// Access below a mounted image; links never lead out of it.
class ImageRoot {
 public:
  explicit ImageRoot(std::string path) : path_(std::move(path)) {}

  /// False when missing; kInvalid `path '<p>' is of invalid type` unless a regular file.
  [[nodiscard]] Result<bool> IsFile(std::string const& path) const;
  /// The content of at most `limit` bytes. kNotFound, kInvalid, kExhausted.
  [[nodiscard]] Result<std::string> Read(std::string const& path, std::size_t limit) const;
  /// Copies a file out, mode 0644.
  [[nodiscard]] Result<void> CopyOut(std::string const& path, std::string const& target) const;
  /// Copies a program in, mode 0755, replacing what is there.
  [[nodiscard]] Result<void> CopyIn(std::string const& source, std::string const& path) const;
  /// Deletes the host keys of sshd that an image carries: each machine makes its own.
  [[nodiscard]] Result<void> RemoveSshHostKeys() const;
  /// Where a file of the image is on the host, links resolved inside the image.
  [[nodiscard]] Result<std::string> Resolve(std::string const& path) const;

 private:
  [[nodiscard]] Result<ReceivedFd> Open(std::string const& path, int flags, unsigned mode) const;
  [[nodiscard]] Result<ReceivedFd> OpenFile(std::string const& path) const;
  std::string path_;
};

/// kInvalid `unsupported kernel format` unless bzImage or an ELF with a PVH note.
Result<void> CheckKernelFormat(std::string const& path);

/// The file system of an unpartitioned disk, by its magic number: `ext4`, `xfs`, `squashfs`;
/// everything else is taken for `btrfs`.
std::string RootFileSystem(std::string const& disk);

/// How a disk image starts.
enum class BootMedium : std::uint8_t { kEfi, kMbr };
/// kInvalid `image is not bootable`.
Result<BootMedium> DetectBootMedium(std::string const& path);

}  // namespace trellis::plugins::zmachine
