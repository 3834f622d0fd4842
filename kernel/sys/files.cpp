#include "kernel/sys/files.hpp"

#include "kernel/sys/errors.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace trellis::sys {
namespace {

/// Removes a temporary file that was not renamed.
class Leftover {
 public:
  explicit Leftover(std::string path) : path_(std::move(path)) {}
  ~Leftover() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  Leftover(Leftover const&) = delete;
  Leftover& operator=(Leftover const&) = delete;
  void Keep() { path_.clear(); }

 private:
  std::string path_;
};

}  // namespace

Result<UniqueFd> OpenFile(std::filesystem::path const& file, int flags, mode_t mode) {
  UniqueFd fd(::open(file.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) return Fail("open", file.native());
  return fd;
}

Result<void> WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t const written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return Fail("write", fmt::format("fd {}", fd));
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::string> ReadFile(std::filesystem::path const& file, std::size_t max_bytes) {
  TRELLIS_TRY(auto const fd, OpenFile(file, O_RDONLY));
  std::string content;
  constexpr std::size_t kChunk = std::size_t{64} << 10U;
  for (;;) {
    std::size_t const size = content.size();
    content.resize(size + kChunk);
    ssize_t const got = ::read(fd.get(), content.data() + size, kChunk);
    if (got < 0 && errno != EINTR) return Fail("read", file.native());
    content.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return content;
    if (content.size() > max_bytes) {
      return trellis::Fail(Code::kExhausted, "read '{}': more than {} bytes", file.native(),
                           max_bytes);
    }
  }
}

Result<void> WriteFileAtomic(std::filesystem::path const& file, std::string_view content,
                             mode_t mode) {
  std::string temporary = file.native() + ".XXXXXX";
  UniqueFd const fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return Fail("create", temporary);
  Leftover leftover(temporary);
  TRELLIS_CHECK(WriteAll(fd.get(), content).map_error([&](Error error) {
    return std::move(error).With("write '{}'", file.native());
  }));
  if (::fchmod(fd.get(), mode) != 0) return Fail("chmod", temporary);
  if (::fsync(fd.get()) != 0) return Fail("sync", temporary);
  if (::rename(temporary.c_str(), file.c_str()) != 0) return Fail("rename", temporary);
  leftover.Keep();
  return SyncDirectory(file.has_parent_path() ? file.parent_path() : ".");
}

Result<void> WriteExisting(std::filesystem::path const& file, std::string_view content) {
  TRELLIS_TRY(auto const fd, OpenFile(file, O_WRONLY));
  // Kernel files take one write as one value.
  if (::write(fd.get(), content.data(), content.size()) < 0) return Fail("write", file.native());
  return {};
}

Result<void> EnsureDirectory(std::filesystem::path const& folder, mode_t mode) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) return FailWith(failure.value(), "create folder", folder.native());
  if (::chmod(folder.c_str(), mode) != 0) return Fail("chmod", folder.native());
  return {};
}

Result<void> SyncDirectory(std::filesystem::path const& folder) {
  TRELLIS_TRY(auto const fd, OpenFile(folder, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return Fail("sync", folder.native());
  return {};
}

Result<LockFile> LockFile::Acquire(std::filesystem::path const& file) {
  TRELLIS_TRY(auto fd, OpenFile(file, O_RDWR | O_CREAT, kPrivateFile));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return trellis::Fail(Code::kBusy, "'{}' is locked by another process", file.native());
    return Fail("lock", file.native());
  }
  return LockFile(std::move(fd));
}

}  // namespace trellis::sys
