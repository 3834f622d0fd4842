#include "plugins/flist/rfs/pack.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/flist/rfs/fl_writer.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <set>

namespace trellis::plugins::flist {

namespace {

constexpr std::size_t kMaxDepth = 1024;  // as deep as a path may be

Inode InodeOf(struct stat const& info, std::uint64_t parent, std::string const& name) {
  Inode inode;
  inode.parent = parent;
  inode.name = name;
  bool const sized = S_ISREG(info.st_mode) || S_ISLNK(info.st_mode);
  inode.size = sized ? static_cast<std::uint64_t>(info.st_size) : 0;
  inode.uid = info.st_uid;
  inode.gid = info.st_gid;
  inode.mode = info.st_mode;
  inode.rdev = static_cast<std::uint32_t>(info.st_rdev);
  inode.ctime = info.st_ctim.tv_sec;
  inode.mtime = info.st_mtim.tv_sec;
  return inode;
}

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

Result<std::vector<std::string>> NamesIn(UniqueFd const& dir) {
  UniqueFd own(::fcntl(dir.get(), F_DUPFD_CLOEXEC, 0));
  std::unique_ptr<DIR, CloseDir> const stream(::fdopendir(own.get()));
  if (!stream) return FailErrno("list a directory");
  (void)own.Release();  // the stream's now
  ::rewinddir(stream.get());
  std::vector<std::string> names;
  errno = 0;
  while (auto const* const entry = ::readdir(stream.get())) {  // NOLINT(concurrency-mt-unsafe)
    if (IsFileName(entry->d_name)) names.emplace_back(entry->d_name);
  }
  if (errno != 0) return FailErrno("list a directory");
  std::ranges::sort(names);
  return names;
}

class Packer {
 public:
  Packer(FlWriter& writer, BlockSource& stores) : writer_(writer), stores_(stores) {}

  Result<void> AddDir(UniqueFd const& dir, std::uint64_t parent, std::string const& name,
                      std::size_t depth) {
    if (depth > kMaxDepth) return Fail(Code::kInvalid, "the tree is deeper than {}", kMaxDepth);
    struct stat info {};
    if (::fstat(dir.get(), &info) != 0) return FailErrno("look at a directory");
    TRELLIS_TRY(auto const ino, AddRow(info, parent, name));
    TRELLIS_TRY(auto const names, NamesIn(dir));
    for (auto const& child : names) {
      auto done = AddChild(dir, ino, child, depth);
      if (!done) return tl::unexpected<Error>(std::move(done).error().With("'{}'", child));
    }
    return {};
  }

  [[nodiscard]] PackSummary const& summary() const { return summary_; }

 private:
  Result<std::uint64_t> AddRow(struct stat const& info, std::uint64_t parent,
                               std::string const& name) {
    ++summary_.entries;
    return writer_.AddInode(InodeOf(info, parent, name));
  }

  Result<void> AddChild(UniqueFd const& dir, std::uint64_t parent, std::string const& name,
                        std::size_t depth) {
    struct stat info {};
    if (::fstatat(dir.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      return FailErrno("look at it");
    if (S_ISDIR(info.st_mode) || S_ISREG(info.st_mode)) {
      UniqueFd const fd(
          ::openat(dir.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
      if (!fd) return FailErrno("open it");
      if (S_ISDIR(info.st_mode)) return AddDir(fd, parent, name, depth + 1);
      return AddFile(fd, parent, name);
    }
    TRELLIS_TRY(auto const ino, AddRow(info, parent, name));
    if (!S_ISLNK(info.st_mode)) return {};
    std::array<char, kMaxTarget + 1> target{};
    auto const size = ::readlinkat(dir.get(), name.c_str(), target.data(), target.size());
    if (size < 0) return FailErrno("read the link");
    return writer_.AddTarget(ino, {target.data(), static_cast<std::size_t>(size)});
  }

  // What was read is the content, whatever the file's size was before.
  Result<void> AddFile(UniqueFd const& fd, std::uint64_t parent, std::string const& name) {
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return FailErrno("look at it");
    if (!S_ISREG(info.st_mode)) return Fail(Code::kConflict, "it became something else");
    TRELLIS_TRY(auto const ino, AddRow(info, parent, name));
    ++summary_.files;
    std::uint64_t size = 0;
    while (true) {
      TRELLIS_TRY(auto const filled, Fill(fd));
      if (filled == 0) break;
      TRELLIS_CHECK(AddBlock(ino, {block_.data(), filled}));
      size += filled;
      if (filled < kBlockBytes) break;
    }
    summary_.bytes += size;
    if (size != static_cast<std::uint64_t>(info.st_size))
      return Fail(Code::kConflict, "it changed while it was read");
    return {};
  }

  // Reads may be short, blocks in the middle of a file must not be.
  Result<std::size_t> Fill(UniqueFd const& fd) {
    std::size_t filled = 0;
    while (filled < block_.size()) {
      auto const got = ::read(fd.get(), block_.data() + filled, block_.size() - filled);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return FailErrno("read it");
      if (got == 0) break;
      filled += static_cast<std::size_t>(got);
    }
    return filled;
  }

  Result<void> AddBlock(std::uint64_t ino, std::string_view plain) {
    TRELLIS_TRY(auto const block, SealBlock(plain));
    if (known_.insert(block.ref.id).second) {
      TRELLIS_CHECK(stores_.Keep(block));
      ++summary_.blocks;
      summary_.stored += block.bytes.size();
    }
    return writer_.AddBlock(ino, block.ref);
  }

  FlWriter& writer_;
  BlockSource& stores_;
  PackSummary summary_;
  std::set<Digest> known_;
  std::string block_ = std::string(kBlockBytes, '\0');
};

}  // namespace

Result<PackSummary> Pack(PackRequest const& request) {
  if (request.routes.empty()) return Fail(Code::kInvalid, "an image needs a store for its blocks");
  for (auto const& source : request.sources)
    TRELLIS_CHECK(OpenStore(source.url, StoreRules{{"/"}}));
  TRELLIS_TRY(auto const root, OpenFile(request.root, O_RDONLY | O_DIRECTORY));
  TRELLIS_TRY(auto const writer, FlWriter::Create(request.output));
  BlockSource stores(request.routes, StoreRules{{"/"}});
  Packer packer(*writer, stores);
  TRELLIS_CHECK(packer.AddDir(root, 0, "/", 0));
  if (packer.summary().blocks != 0) TRELLIS_CHECK(stores.Sync());
  for (auto route : request.sources.empty() ? request.routes : request.sources) {
    route.url = WithoutPassword(route.url);
    TRELLIS_CHECK(writer->AddRoute(route));
  }
  TRELLIS_CHECK(writer->AddTag("version", "1"));
  for (auto const& [key, value] : request.tags)
    TRELLIS_CHECK(writer->AddTag(key, value));
  TRELLIS_CHECK(writer->Commit());
  return packer.summary();
}

}  // namespace trellis::plugins::flist
