// Mounting a file through a loop device.
#pragma once

#include <trellis/result.hpp>

#include <string>

namespace trellis::plugins {

/// Mounts the file system in `file`, of the kind `fs`, on the directory `target` with mount(2)
/// `flags`. With MS_RDONLY the file is opened read-only too. The loop device frees itself when the
/// mount goes away. kUnsupported when the kernel does not know the kind. Thread-safe.
Result<void> MountLoop(std::string const& file, std::string const& target, char const* fs,
                       unsigned long flags);

}  // namespace trellis::plugins
