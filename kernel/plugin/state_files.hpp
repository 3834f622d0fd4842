// Copies a plugin's state folder and brings it back. Only for the sources of StoredState.
#pragma once

#include <trellis/result.hpp>

#include <filesystem>

namespace trellis::plugin {

/// Folders, files and links of `from` in the new folder `to`, with modes and owners, durable. Left
/// out: files above kMaxKeptFile, what is mounted below `from`, sockets and the like. kExhausted
/// above kMaxKept.
Result<void> CopyStateFiles(std::filesystem::path const& from, std::filesystem::path const& to);

/// Makes `to` what was copied into `from`: changed files are replaced, new ones removed, what the
/// copy left out stays. May be repeated after a crash.
Result<void> RestoreStateFiles(std::filesystem::path const& from, std::filesystem::path const& to);

}  // namespace trellis::plugin
