#include "plugins/flist/tool/list.hpp"

#include <sys/stat.h>

namespace trellis::plugins::flist {

namespace {

constexpr std::size_t kBatch = 256;
constexpr unsigned kModeBits = 07777;

char const* KindOf(std::uint32_t mode) {
  if (S_ISREG(mode)) return "file";
  if (S_ISDIR(mode)) return "directory";
  if (S_ISLNK(mode)) return "link";
  if (S_ISCHR(mode)) return "char";
  if (S_ISBLK(mode)) return "block";
  return S_ISFIFO(mode) ? "fifo" : "socket";
}

struct Place {
  std::uint64_t ino = kRootInode;
  std::uint64_t after = 0;  ///< the last child that was shown
  std::string path;
};

Result<ListedEntry> Describe(FlFile& image, Inode const& inode, std::string path) {
  ListedEntry entry{std::move(path),
                    KindOf(inode.mode),
                    fmt::format("{:04o}", inode.mode & kModeBits),
                    inode.uid,
                    inode.gid,
                    inode.size,
                    inode.mtime,
                    {}};
  if (S_ISLNK(inode.mode)) {
    TRELLIS_TRY(entry.target, image.Target(inode.ino));
  }
  return entry;
}

}  // namespace

Result<void> ListImage(FlFile& image, std::function<void(ListedEntry const&)> const& show) {
  TRELLIS_TRY(auto const root, image.Find(kRootInode));
  TRELLIS_TRY(auto const first, Describe(image, root, "/"));
  show(first);
  // A list of its own: images may be deeper than a stack.
  std::vector<Place> open{{}};
  while (!open.empty()) {
    auto& place = open.back();
    TRELLIS_TRY(auto const children, image.Children(place.ino, place.after, kBatch));
    if (children.empty()) {
      open.pop_back();
      continue;
    }
    auto const parent = place.path;
    for (auto const& child : children) {
      place.after = child.ino;
      auto const path = parent + "/" + child.name;
      TRELLIS_TRY(auto const entry, Describe(image, child, path));
      show(entry);
      if (!S_ISDIR(child.mode)) continue;
      open.push_back({child.ino, 0, path});
      break;  // its children come first
    }
  }
  return {};
}

}  // namespace trellis::plugins::flist
