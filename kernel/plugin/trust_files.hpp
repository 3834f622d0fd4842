// Files that nobody but root can have changed.
#pragma once

#include "kernel/sys/fd.hpp"

#include <trellis/result.hpp>

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>

namespace trellis::plugin {

/// A regular file, opened without following a link.
class OwnedFile {
 public:
  /// kInvalid: a link, or no regular file. kNotFound.
  static Result<OwnedFile> Open(std::filesystem::path const& file);
  /// kDenied when others than its owner may write it, or the owner is nobody who may.
  [[nodiscard]] Result<void> CheckOwner() const;
  /// The whole content as it is now. kExhausted above `max_bytes`.
  [[nodiscard]] Result<std::string> Read(std::size_t max_bytes) const;

 private:
  OwnedFile(std::filesystem::path path, sys::UniqueFd fd)
      : path_(std::move(path)), fd_(std::move(fd)) {}
  std::filesystem::path path_;
  sys::UniqueFd fd_;
};

/// The folder and its parents: owned by root, not writable for group and others. Who owns this
/// program or may write a folder above it could change the program itself, so its owner is as good
/// as root, and folders above it are not looked at. kDenied names the folder and what is wrong.
Result<void> CheckOwnedFolders(std::filesystem::path const& folder);

}  // namespace trellis::plugin
