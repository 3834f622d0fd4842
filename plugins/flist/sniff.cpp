#include "plugins/flist/sniff.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/flist/archive.hpp"
#include "plugins/flist/rfs/fl_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

namespace trellis::plugins::flist {

namespace {

constexpr std::string_view kSqlite{"SQLite format 3\0", 16};
constexpr std::string_view kSquashfs = "hsqs";

Result<ImageFormat> SniffDirectory(std::string const& path) {
  bool const layout = ::access((path + "/oci-layout").c_str(), F_OK) == 0;
  return layout ? ImageFormat::kOciDirectory : ImageFormat::kDirectory;
}

Result<std::string> FirstBytes(std::string const& path) {
  TRELLIS_TRY(auto const fd, OpenFile(path, O_RDONLY | O_NONBLOCK));
  std::array<char, 16> head{};
  auto const got = ::read(fd.get(), head.data(), head.size());
  if (got < 0) return FailErrno("read '{}'", path);
  return std::string(head.data(), static_cast<std::size_t>(got));
}

}  // namespace

Result<ImageFormat> SniffMountable(std::string const& path) {
  TRELLIS_TRY(auto const head, FirstBytes(path));
  return head.starts_with(kSquashfs) ? ImageFormat::kSquashfs : ImageFormat::kRfs;
}

Result<ImageFormat> Sniff(Call& call, std::string const& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return FailErrno("'{}'", path);
  if (S_ISDIR(info.st_mode)) return SniffDirectory(path);
  if (!S_ISREG(info.st_mode)) return Fail(Code::kInvalid, "unknown flist format");
  TRELLIS_TRY(auto const head, FirstBytes(path));
  if (head == kSqlite) {
    TRELLIS_TRY(auto const image, FlFile::Open(path));
    return ImageFormat::kRfs;
  }
  if (head.starts_with(kSquashfs)) return ImageFormat::kSquashfs;
  if (!IsTar(path)) return Fail(Code::kInvalid, "unknown flist format");
  TRELLIS_TRY(auto const names, TopNames(call, path));
  auto const has = [&](std::string_view name) {
    return std::ranges::find(names, name) != names.end();
  };
  if (has("flistdb.sqlite3"))
    return Fail(Code::kUnsupported, "flists of the first version cannot be mounted by this node");
  if (has("oci-layout") && has("index.json")) return ImageFormat::kOciArchive;
  if (has("manifest.json")) return ImageFormat::kDockerArchive;
  return ImageFormat::kRootTar;
}

}  // namespace trellis::plugins::flist
