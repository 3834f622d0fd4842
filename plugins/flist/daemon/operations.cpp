#include "plugins/flist/daemon/operations.hpp"

#include "plugins/flist/daemon/fetchers.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstdio>
#include <mutex>

namespace trellis::plugins::flist {

namespace {

constexpr double kForever = 86400;  // seconds
constexpr fuse_ino_t kNoFile = 0;
constexpr off_t kDot = 1;
constexpr off_t kDotDot = 2;
constexpr std::size_t kDirBatch = 256;
constexpr std::size_t kSector = 512;

using Handle = std::shared_ptr<OpenImageFile const>;

Fetchers& FetchersOf(fuse_req_t request) {
  return *static_cast<Fetchers*>(fuse_req_userdata(request));
}

ImageFiles& FilesOf(fuse_req_t request) {
  return FetchersOf(request).files();
}

int NumberOf(Error const& error) {
  switch (error.code) {
    case Code::kNotFound:
      return ENOENT;
    case Code::kInvalid:
      return EINVAL;
    case Code::kExhausted:
      return EFBIG;
    default:
      return EIO;
  }
}

// A store that is away fails every read: each reason is told once in a row.
void Tell(Error const& error) {
  static std::mutex mutex;
  static std::string last;
  std::lock_guard const lock(mutex);
  if (error.message == last) return;
  last = error.message;
  fmt::print(stderr, "read failed: {}\n", last);
}

void ReplyError(fuse_req_t request, Error const& error) {
  int const number = NumberOf(error);
  if (number == EIO) Tell(error);
  fuse_reply_err(request, number);
}

struct stat StatOf(Inode const& inode) {
  struct stat info {};
  info.st_ino = inode.ino;
  info.st_mode = inode.mode;
  info.st_nlink = 1;  // for directories: unknown
  info.st_uid = inode.uid;
  info.st_gid = inode.gid;
  info.st_rdev = inode.rdev;
  info.st_size = static_cast<off_t>(inode.size);
  info.st_blksize = static_cast<blksize_t>(kBlockBytes);
  info.st_blocks = static_cast<blkcnt_t>((inode.size + kSector - 1) / kSector);
  info.st_ctim.tv_sec = inode.ctime;
  info.st_mtim.tv_sec = inode.mtime;
  info.st_atim.tv_sec = inode.mtime;
  return info;
}

fuse_entry_param EntryOf(Inode const& inode) {
  fuse_entry_param entry{};
  entry.ino = inode.ino;
  entry.attr = StatOf(inode);
  entry.attr_timeout = kForever;
  entry.entry_timeout = kForever;
  return entry;
}

void Init(void*, fuse_conn_info* connection) {
  // Block files go from the page cache to the kernel's without a copy through this process.
  connection->want |= connection->capable & (FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
                                             FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_PARALLEL_DIROPS);
}

void Lookup(fuse_req_t request, fuse_ino_t parent, char const* name) {
  auto const inode = FilesOf(request).rows().Lookup(parent, name);
  if (!inode && inode.error().code != Code::kNotFound) return ReplyError(request, inode.error());
  fuse_entry_param missing{};
  missing.ino = kNoFile;
  missing.entry_timeout = kForever;
  auto const entry = inode ? EntryOf(*inode) : missing;
  fuse_reply_entry(request, &entry);
}

void Forget(fuse_req_t request, fuse_ino_t, std::uint64_t) {
  fuse_reply_none(request);  // numbers are the image's own
}

void GetAttr(fuse_req_t request, fuse_ino_t ino, fuse_file_info*) {
  auto const inode = FilesOf(request).rows().Find(ino);
  if (!inode) return ReplyError(request, inode.error());
  auto const info = StatOf(*inode);
  fuse_reply_attr(request, &info, kForever);
}

void ReadLink(fuse_req_t request, fuse_ino_t ino) {
  auto const target = FilesOf(request).rows().Target(ino);
  if (!target) return ReplyError(request, target.error());
  fuse_reply_readlink(request, target->c_str());
}

/// What `Open` has put there.
Handle* HandleOf(fuse_file_info const* info) {
  return reinterpret_cast<Handle*>(info->fh);  // NOLINT(performance-no-int-to-ptr): libfuse's way
}

void Open(fuse_req_t request, fuse_ino_t ino, fuse_file_info* info) {
  if ((info->flags & O_ACCMODE) != O_RDONLY) {
    fuse_reply_err(request, EROFS);
    return;
  }
  auto file = FilesOf(request).OpenFile(ino);
  if (!file) return ReplyError(request, file.error());
  auto handle = std::make_unique<Handle>(*std::move(file));
  info->fh = reinterpret_cast<std::uintptr_t>(handle.get());
  info->keep_cache = 1;
  info->noflush = 1;
  if (fuse_reply_open(request, info) == 0) (void)handle.release();  // until Release
}

void Release(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  std::unique_ptr<Handle> const handle(HandleOf(info));
  fuse_reply_err(request, 0);
}

void ReplyCopied(fuse_req_t request, std::vector<Piece> const& pieces) {
  std::string all;
  for (auto const& piece : pieces) {
    auto const begin = all.size();
    all.resize(begin + piece.size);
    auto const got =
        ::pread(piece.fd.get(), all.data() + begin, piece.size, static_cast<off_t>(piece.offset));
    if (got != static_cast<ssize_t>(piece.size)) {
      fuse_reply_err(request, EIO);
      return;
    }
  }
  fuse_reply_buf(request, all.data(), all.size());
}

// What is not in the cache is waited for elsewhere: names and other files are answered meanwhile.
void Read(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info) {
  auto const& file = *HandleOf(info);
  auto const at = static_cast<std::uint64_t>(offset);
  if (auto const kept = FilesOf(request).ReadKept(*file, at, size)) return ReplyRead(request, kept);
  FetchersOf(request).Post({request, file, at, size});
}

void OpenDir(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  info->keep_cache = 1;
  info->cache_readdir = 1;
  fuse_reply_open(request, info);
}

/// Entries of a directory as far as one answer has room.
class DirReply {
 public:
  DirReply(fuse_req_t request, std::size_t size, bool plus)
      : request_(request), plus_(plus), buffer_(size, '\0') {}

  bool Add(std::string const& name, Inode const& inode, off_t next, bool counts = true) {
    auto entry = EntryOf(inode);
    if (!counts) entry.ino = kNoFile;  // `.` and `..` are no lookups
    auto* const at = buffer_.data() + used_;
    auto const room = buffer_.size() - used_;
    auto const needed =
        plus_ ? fuse_add_direntry_plus(request_, at, room, name.c_str(), &entry, next)
              : fuse_add_direntry(request_, at, room, name.c_str(), &entry.attr, next);
    if (needed > room) return false;
    used_ += needed;
    return true;
  }
  void Send() { fuse_reply_buf(request_, buffer_.data(), used_); }

 private:
  fuse_req_t request_;
  bool plus_;
  std::string buffer_;
  std::size_t used_ = 0;
};

// An entry's offset is its number and two: those of `.` and `..` come first.
Result<void> List(FlFile& rows, fuse_ino_t ino, off_t offset, DirReply& reply) {
  TRELLIS_TRY(auto const self, rows.Find(ino));
  if (offset < kDot && !reply.Add(".", self, kDot, false)) return {};
  auto parent = self;
  if (offset < kDotDot && self.ino != kRootInode) {
    TRELLIS_TRY(parent, rows.Find(self.parent));
  }
  if (offset < kDotDot && !reply.Add("..", parent, kDotDot, false)) return {};
  auto after = static_cast<std::uint64_t>(std::max<off_t>(offset, kDotDot) - kDotDot);
  while (true) {
    TRELLIS_TRY(auto const children, rows.Children(ino, after, kDirBatch));
    for (auto const& child : children) {
      if (!reply.Add(child.name, child, static_cast<off_t>(child.ino) + kDotDot)) return {};
      after = child.ino;
    }
    if (children.size() < kDirBatch) return {};
  }
}

void ReadDirAs(fuse_req_t request, fuse_ino_t ino, std::size_t size, off_t offset, bool plus) {
  DirReply reply(request, size, plus);
  auto const done = List(FilesOf(request).rows(), ino, offset, reply);
  if (!done) return ReplyError(request, done.error());
  reply.Send();
}

void ReadDir(fuse_req_t request, fuse_ino_t ino, std::size_t size, off_t offset, fuse_file_info*) {
  ReadDirAs(request, ino, size, offset, /*plus=*/false);
}

void ReadDirPlus(fuse_req_t request, fuse_ino_t ino, std::size_t size, off_t offset,
                 fuse_file_info*) {
  ReadDirAs(request, ino, size, offset, /*plus=*/true);
}

void StatFs(fuse_req_t request, fuse_ino_t) {
  struct statvfs info {};
  info.f_bsize = kBlockBytes;
  info.f_frsize = kBlockBytes;
  info.f_namemax = kMaxName;
  info.f_flag = ST_RDONLY;
  fuse_reply_statfs(request, &info);
}

}  // namespace

void ReplyRead(fuse_req_t request, Result<std::vector<Piece>> const& pieces) {
  if (!pieces) return ReplyError(request, pieces.error());
  if (pieces->size() != 1) return ReplyCopied(request, *pieces);
  auto const& piece = pieces->front();
  fuse_bufvec data{};
  data.count = 1;
  data.buf[0].size = piece.size;
  data.buf[0].flags = static_cast<fuse_buf_flags>(FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK);
  data.buf[0].fd = piece.fd.get();
  data.buf[0].pos = static_cast<off_t>(piece.offset);
  fuse_reply_data(request, &data, FUSE_BUF_SPLICE_MOVE);
}

fuse_lowlevel_ops ImageOperations() {
  fuse_lowlevel_ops operations{};
  operations.init = &Init;
  operations.lookup = &Lookup;
  operations.forget = &Forget;
  operations.getattr = &GetAttr;
  operations.readlink = &ReadLink;
  operations.open = &Open;
  operations.read = &Read;
  operations.release = &Release;
  operations.opendir = &OpenDir;
  operations.readdir = &ReadDir;
  operations.readdirplus = &ReadDirPlus;
  operations.statfs = &StatFs;
  return operations;
}

}  // namespace trellis::plugins::flist
