// Whole files for the build tools of this folder.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace trellis::plugins::zmachine {

/// All bytes of a regular file; kIo with its name.
Result<std::vector<std::uint8_t>> ReadWholeFile(std::filesystem::path const& path);

/// Writes beside the target and renames, so that no half-written file is ever seen.
Result<void> ReplaceFile(std::filesystem::path const& path, std::span<std::uint8_t const> content);

}  // namespace trellis::plugins::zmachine
