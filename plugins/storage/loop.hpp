// Mounting a file through a loop device.
#pragma once

#include <trellis/result.hpp>

#include <string>

namespace trellis::plugins::storage {

/// Mounts the btrfs in `file` on the directory `target` with mount(2) `flags`. The loop device
/// frees itself when the mount goes away. Thread-safe.
Result<void> MountLoop(std::string const& file, std::string const& target, unsigned long flags);

}  // namespace trellis::plugins::storage
