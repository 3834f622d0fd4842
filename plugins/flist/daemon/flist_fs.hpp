// An image as a FUSE file system. Content never changes, so the kernel keeps what it was told.
#pragma once

#include "plugins/flist/rfs/image_files.hpp"

#include <memory>
#include <string>

namespace trellis::plugins::flist {

struct ServeOptions {
  std::string target;    ///< existing directory
  bool confine = false;  ///< gives up all rights after the mount; whoever started it unmounts then
};

/// Mounts on the target and serves until it is unmounted or a signal says to end. What a killed
/// server left mounted there is replaced. Threads that wait for stores may still do so afterwards.
Result<void> ServeImage(std::shared_ptr<ImageFiles> files, ServeOptions const& options);

}  // namespace trellis::plugins::flist
