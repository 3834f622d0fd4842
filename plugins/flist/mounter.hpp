// The two ways an image is mounted. A mount appears complete or not at all. Thread-safe: no state.
#pragma once

#include <trellis/result.hpp>

#include <string>

namespace trellis::plugins::flist {

/// Shows the tree `source` read-only on the directory `target`.
Result<void> MountReadOnly(std::string const& source, std::string const& target);
/// Mounts an overlay on the directory `target`: `lower` below, writes go to `<upper>/rw` (work
/// directory `<upper>/wd`, both made when missing).
Result<void> MountOverlay(std::string const& lower, std::string const& upper,
                          std::string const& target);

}  // namespace trellis::plugins::flist
