#include "plugins/flist/rfs/block_cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <tuple>
#include <vector>

namespace trellis::plugins::flist {

namespace {

namespace fs = std::filesystem;

constexpr unsigned kDirMode = 0700;  // images may be private
constexpr std::string_view kTemp = ".new-";
constexpr std::chrono::hours kStampEvery{24};
constexpr std::chrono::hours kAbandoned{1};
constexpr std::uint64_t kSlack = 10;       // a tenth of a limit is made free
constexpr std::uint64_t kStatBlock = 512;  // bytes, of st_blocks

bool IsTemp(fs::path const& path) {
  return path.filename().string().starts_with(kTemp);
}

std::chrono::seconds AgeOf(struct stat const& info) {
  return std::chrono::seconds(std::time(nullptr) - info.st_mtim.tv_sec);
}

Result<void> EachFile(std::string const& dir,
                      std::function<void(fs::path const&, struct stat const&)> const& visit) {
  std::error_code error;
  fs::recursive_directory_iterator it(dir, error);
  if (error == std::errc::no_such_file_or_directory) return {};
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    struct stat info {};
    if (::lstat(it->path().c_str(), &info) == 0 && S_ISREG(info.st_mode)) visit(it->path(), info);
  }
  if (error) return Fail(Code::kIo, "look through '{}': {}", dir, error.message());
  return {};
}

}  // namespace

std::string BlockCache::NameOf(BlockRef const& ref) {
  std::string both(ref.id.begin(), ref.id.end());
  both.append(ref.key.begin(), ref.key.end());
  return HexOf(DigestBytes(both));
}

std::string BlockCache::FolderOf(std::string const& name) const {
  return dir_ + "/" + name.substr(0, 2) + "/" + name.substr(2, 2);
}

Result<UniqueFd> BlockCache::OpenFileOf(std::string const& name, std::size_t size) const {
  auto const file = FolderOf(name) + "/" + name;
  TRELLIS_TRY(auto fd, OpenFile(file, O_RDONLY | O_NOFOLLOW));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return FailErrno("'{}'", file);
  // A power cut may leave a file without its content.
  if (static_cast<std::size_t>(info.st_size) != size)
    return Fail(Code::kNotFound, "'{}' is not whole", file);
  if (AgeOf(info) > kStampEvery) (void)::futimens(fd.get(), nullptr);  // else it is fetched again
  return fd;
}

Result<void> BlockCache::Keep(std::string const& name, std::string_view plain) const {
  auto const folder = FolderOf(name);
  TRELLIS_CHECK(MakeDirs(folder, kDirMode));
  auto temp = fmt::format("{}/{}XXXXXX", folder, kTemp);
  UniqueFd const fd(::mkostemp(temp.data(), O_CLOEXEC));
  if (!fd) return FailErrno("create '{}'", temp);
  auto done = WriteAll(fd.get(), plain, temp);
  if (done && ::rename(temp.c_str(), (folder + "/" + name).c_str()) != 0)
    done = FailErrno("keep block '{}'", name);
  if (!done) ::unlink(temp.c_str());
  return done;
}

Result<UniqueFd> BlockCache::OpenKept(BlockRef const& ref, std::size_t size) const {
  return OpenFileOf(NameOf(ref), size);
}

Result<UniqueFd> BlockCache::Open(BlockRef const& ref, std::size_t size) {
  auto const name = NameOf(ref);
  if (auto kept = OpenFileOf(name, size)) return kept;
  BusyKeys::Hold const alone(busy_, name);
  if (auto kept = OpenFileOf(name, size)) return kept;  // somebody else fetched it
  TRELLIS_TRY(auto const plain, fetch_(ref));
  if (plain.size() != size)
    return Fail(Code::kDecode, "block '{}' has {} bytes instead of {}", HexOf(ref.id), plain.size(),
                size);
  TRELLIS_CHECK(Keep(name, plain));
  return OpenFileOf(name, size);
}

Result<std::size_t> BlockCache::RemoveOld(std::string const& dir, std::chrono::hours age) {
  std::size_t removed = 0;
  TRELLIS_CHECK(EachFile(dir, [&](fs::path const& path, struct stat const& info) {
    if (AgeOf(info) > (IsTemp(path) ? kAbandoned : age) && ::unlink(path.c_str()) == 0) ++removed;
  }));
  return removed;
}

Result<std::size_t> BlockCache::Trim(std::string const& dir, std::uint64_t bytes,
                                     std::size_t most) {
  struct File {
    timespec read;
    std::uint64_t size;
    std::string path;
  };
  std::vector<File> files;
  std::uint64_t total = 0;
  TRELLIS_CHECK(EachFile(dir, [&](fs::path const& path, struct stat const& info) {
    if (IsTemp(path)) return;  // still being written
    // A file of one byte takes more than that.
    auto const size = static_cast<std::uint64_t>(info.st_blocks) * kStatBlock;
    files.push_back({info.st_mtim, size, path.string()});
    total += size;
  }));
  if (total <= bytes && files.size() <= most) return 0;
  std::ranges::sort(files, [](File const& a, File const& b) {
    return std::tie(a.read.tv_sec, a.read.tv_nsec) < std::tie(b.read.tv_sec, b.read.tv_nsec);
  });
  std::size_t removed = 0;
  for (auto const& file : files) {
    if (total <= bytes - bytes / kSlack && files.size() - removed <= most - most / kSlack) break;
    if (::unlink(file.path.c_str()) != 0) continue;
    total -= file.size;
    ++removed;
  }
  return removed;
}

}  // namespace trellis::plugins::flist
