// What the kernel may ask of an image's file system.
#pragma once

#include "plugins/flist/daemon/fuse.hpp"

namespace trellis::plugins::flist {

/// For a session whose user data is a Fetchers. Thread-safe.
fuse_lowlevel_ops ImageOperations();

}  // namespace trellis::plugins::flist
