// Looking into an unpacked image: links are followed inside it and never lead out. Thread-safe: no
// state.
#pragma once

#include "plugins/common/posix/files.hpp"

#include <trellis/result.hpp>

#include <string>
#include <string_view>

namespace trellis::plugins::flist {

/// Opens `path` as seen from inside `root` (flags as of open(2)). kNotFound.
Result<UniqueFd> OpenInRoot(std::string const& root, std::string_view path, int flags);
/// Is there a regular file? kInvalid `path '<p>' is of invalid type` when the name exists but is
/// none, or is a link to nothing.
Result<bool> HasFile(std::string const& root, std::string_view path);
/// The machine mode of an image: container, container-kernel, vm-kernel or vm-firmware. kInvalid.
Result<std::string> DetectKind(std::string const& root);
/// The real path, below `root`, of a directory named from inside `root`; its missing parts are
/// made. kInvalid when a part of it is no directory.
Result<std::string> MakeDirInRoot(std::string const& root, std::string_view path);

}  // namespace trellis::plugins::flist
