// An image's database as a stranger made it: what is read of it is a tree of files that can be.
#include "plugins/flist/rfs/fl_file.hpp"
#include "tests/fuzz/target.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <set>

namespace trellis::fuzz::fl {

void Run(std::string_view input);

namespace {

using namespace trellis::plugins::flist;  // NOLINT: one function of it

constexpr std::size_t kMaxDirs = 200;
constexpr std::size_t kBatch = 50;

/// One for all inputs; SQLite opens files by their path only.
class TempFile {
 public:
  TempFile() : fd_(::mkstemp(path_.data())) { Require(fd_ >= 0, "there is a temporary file"); }
  ~TempFile() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  TempFile(TempFile const&) = delete;
  TempFile& operator=(TempFile const&) = delete;
  void Write(std::string_view bytes) const {
    auto const size = static_cast<ssize_t>(bytes.size());
    Require(::ftruncate(fd_, 0) == 0 && ::pwrite(fd_, bytes.data(), bytes.size(), 0) == size,
            "the input is written");
  }
  [[nodiscard]] std::string const& path() const { return path_; }

 private:
  std::string path_ = "/dev/shm/trellis-fuzz-XXXXXX";
  int fd_;
};

void Look(FlFile& image, Inode const& inode) {
  Require(inode.mode <= 0xffff || !S_ISREG(inode.mode), "a mode is one that files have");
  if (S_ISREG(inode.mode)) {
    auto const blocks = image.Blocks(inode);
    Require(!blocks || blocks->size() * kBlockBytes >= inode.size, "blocks are enough");
  }
  if (S_ISLNK(inode.mode)) {
    auto const target = image.Target(inode.ino);
    Require(!target || (!target->empty() && target->size() <= kMaxTarget), "targets are paths");
  }
  auto const again = image.Lookup(inode.parent, inode.name);
  Require(!again || again->name == inode.name, "a name leads to its file");
}

void Walk(FlFile& image) {
  std::set<std::uint64_t> seen{kRootInode};
  std::vector<std::uint64_t> open{kRootInode};
  for (std::size_t dirs = 0; !open.empty() && dirs < kMaxDirs; ++dirs) {
    auto const dir = open.back();
    open.pop_back();
    auto const children = image.Children(dir, 0, kBatch);
    if (!children) continue;
    Require(children->size() <= kBatch, "no more than asked for");
    for (auto const& child : *children) {
      Require(IsFileName(child.name), "names are names of files");
      Look(image, child);
      if (S_ISDIR(child.mode) && seen.insert(child.ino).second) open.push_back(child.ino);
    }
  }
}

}  // namespace

void Run(std::string_view input) {
  static TempFile const file;
  file.Write(input);
  auto const image = FlFile::Open(file.path());
  if (!image) return;
  Walk(**image);
  (void)(*image)->Routes().has_value();
  (void)(*image)->Tags().has_value();
}

}  // namespace trellis::fuzz::fl
