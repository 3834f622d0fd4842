// Tar archives, compressed or not, through libarchive. Thread-safe: no state.
#pragma once

#include <trellis/host.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::flist {

inline constexpr std::uint64_t kMaxEntries = 4'000'000;

/// A path of an archive without leading `/` and `./`; "" is the root itself. kInvalid `unsafe path
/// '<p>' in image` when it holds `..`.
Result<std::string> CleanPath(std::string_view path);

/// Can it be read as a tar archive with at least one entry?
bool IsTar(std::string const& path);
/// The names of the entries at the top of the archive. kInvalid when it cannot be read.
Result<std::vector<std::string>> TopNames(Call& call, std::string const& path);
/// Applies one layer to the tree `root`: first what it removes (`.wh.` entries), then what it
/// brings, with owners, modes, times, extended attributes and devices. Takes what it writes off
/// `budget`. kInvalid, kExhausted, kCancelled. The tree must not be visible to anybody yet.
Result<void> ApplyLayer(Call& call, std::string const& archive, std::string const& root,
                        std::uint64_t& budget);

}  // namespace trellis::plugins::flist
