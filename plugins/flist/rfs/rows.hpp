// Values of an image's rows, taken only when they can be what they should be. Pure.
#pragma once

#include "plugins/flist/rfs/fl_file.hpp"

#include <optional>

namespace trellis::plugins::flist {

/// Takes a number from 0 to `last`.
template <class To>
bool TakeNumber(std::optional<std::int64_t> value, std::int64_t last, To& to) {
  if (!value || *value < 0 || *value > last) return false;
  to = static_cast<To>(*value);
  return true;
}

/// Takes a BLOB of the length of a digest.
bool TakeDigest(std::optional<std::string_view> bytes, Digest& to);

/// The columns of kInodeColumns. kDecode.
inline constexpr std::string_view kInodeColumns =
    "ino, parent, name, size, uid, gid, mode, rdev, ctime, mtime";
Result<Inode> ReadInode(Statement const& row);

/// kDecode `image is damaged: <what> of inode <ino>`.
tl::unexpected<Error> BadRow(std::string_view what, std::int64_t ino);

}  // namespace trellis::plugins::flist
