#include "plugins/flist/rfs/rows.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <limits>

namespace trellis::plugins::flist {

namespace {

constexpr std::int64_t kLatest = std::int64_t{1} << 40;  // seconds; file systems end before it

bool TakeTime(std::optional<std::int64_t> value, std::int64_t& to) {
  if (!value || *value < -kLatest || *value > kLatest) return false;
  to = *value;
  return true;
}

bool IsKind(std::uint32_t mode) {
  return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISCHR(mode) || S_ISBLK(mode) ||
         S_ISFIFO(mode) || S_ISSOCK(mode);
}

}  // namespace

tl::unexpected<Error> BadRow(std::string_view what, std::int64_t ino) {
  return Fail(Code::kDecode, "image is damaged: {} of inode {}", what, ino);
}

bool IsFileName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

bool TakeDigest(std::optional<std::string_view> bytes, Digest& to) {
  if (!bytes || bytes->size() != to.size()) return false;
  std::ranges::copy(*bytes, to.begin());
  return true;
}

Result<Inode> ReadInode(Statement const& row) {
  constexpr std::int64_t kNumber = std::int64_t{1} << 62;  // leaves room for offsets
  constexpr std::int64_t kId = std::numeric_limits<std::uint32_t>::max() - 1;  // the last is "none"
  constexpr std::int64_t kWord = std::numeric_limits<std::uint32_t>::max();
  Inode inode;
  if (!TakeNumber(row.Integer(0), kNumber, inode.ino) || inode.ino == 0)
    return BadRow("the number", 0);
  auto const ino = static_cast<std::int64_t>(inode.ino);
  if (!TakeNumber(row.Integer(1), kNumber, inode.parent)) return BadRow("the parent", ino);
  auto const name = row.Text(2);
  if (!name) return BadRow("the name", ino);
  inode.name = *name;
  if (!TakeNumber(row.Integer(3), kNumber, inode.size)) return BadRow("the size", ino);
  if (!TakeNumber(row.Integer(4), kId, inode.uid)) return BadRow("the owner", ino);
  if (!TakeNumber(row.Integer(5), kId, inode.gid)) return BadRow("the group", ino);
  if (!TakeNumber(row.Integer(6), kWord, inode.mode) || !IsKind(inode.mode))
    return BadRow("the kind", ino);
  if (!TakeNumber(row.Integer(7), kWord, inode.rdev)) return BadRow("the device", ino);
  if (!TakeTime(row.Integer(8), inode.ctime) || !TakeTime(row.Integer(9), inode.mtime))
    return BadRow("the time", ino);
  return inode;
}

}  // namespace trellis::plugins::flist
