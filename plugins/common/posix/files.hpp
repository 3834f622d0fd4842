// Descriptors, small files and names. All functions are thread-safe.
#pragma once

#include <trellis/result.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::plugins {

/// An owned descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd() { Reset(); }
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  UniqueFd(UniqueFd const&) = delete;
  UniqueFd& operator=(UniqueFd const&) = delete;
  void Reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  /// The caller closes it.
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }
  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// The current errno as an Error `<what>: <reason>`; kExhausted for no space and quota, kNotFound
/// for a missing file, else kIo.
template <class... Args>
[[nodiscard]] tl::unexpected<Error> FailErrno(fmt::format_string<Args...> format, Args&&... args) {
  int const number = errno;
  bool const full = number == ENOSPC || number == EDQUOT;
  Code const code = full ? Code::kExhausted : number == ENOENT ? Code::kNotFound : Code::kIo;
  return Fail(code, "{}: {}", fmt::format(format, std::forward<Args>(args)...),
              std::strerror(number));  // NOLINT(concurrency-mt-unsafe): glibc's is
}

/// open(2) with O_CLOEXEC.
Result<UniqueFd> OpenFile(std::string const& path, int flags, unsigned mode = 0);
/// The whole file. kExhausted above `limit` bytes.
Result<std::string> ReadFile(std::string const& path, std::size_t limit);
/// The rest of `fd`, from its current offset. kExhausted above `limit` bytes.
Result<std::string> ReadAll(int fd, std::size_t limit);
/// Writes all of `text`; `path` is for the error.
Result<void> WriteAll(int fd, std::string_view text, std::string const& path);
/// Replaces the file in one step: temp file, fsync, rename.
Result<void> WriteFile(std::string const& path, std::string_view text, unsigned mode);
/// `path` and its missing parents, with `mode`.
Result<void> MakeDirs(std::string const& path, unsigned mode = 0755);
/// `path` without links, or `path` itself when it cannot be resolved.
std::string RealPath(std::string const& path);
/// Removes a tree without following links; OK when missing.
Result<void> RemoveTree(std::string const& path);
/// Names in a directory without `.` and `..`, sorted; empty when it is missing.
Result<std::vector<std::string>> ListDir(std::string const& path);

/// May `name` be one component of a path: 1 to 200 of `[A-Za-z0-9._@=-]`, no leading dot?
bool IsSafeName(std::string_view name);
/// An owner (`1-2-data`, `@zdb/pool`) as one path component: '/' becomes '='. kInvalid for others.
Result<std::string> OwnerToName(std::string_view owner);
/// The reverse of OwnerToName.
std::string NameToOwner(std::string_view name);

}  // namespace trellis::plugins
