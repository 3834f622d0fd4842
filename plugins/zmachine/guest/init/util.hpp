// Small things every part of /init needs: descriptors, files, the console log.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace trellis::guest {

/// Owns one descriptor.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd const&) = delete;
  Fd& operator=(Fd const&) = delete;
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// Prints `trellis-init: <text>` on the console.
void Log(std::string_view text);

/// The text of errno.
std::string ErrnoText();

/// Reads a file up to `limit` bytes; "" when there is none.
std::string ReadFile(std::string const& path, std::size_t limit = 4UL * 1024UL * 1024UL);

/// Creates or replaces a regular file; a symbolic link at `path` is replaced, not followed.
bool WriteFile(std::string const& path, std::string_view text, unsigned mode);

/// Writes a value into an existing kernel file below /proc or /sys; false when it is not there.
bool WriteKernelFile(std::string const& path, std::string_view value);

/// mkdir -p; true when the folder is there afterwards.
bool MakeFolders(std::string const& path, unsigned mode = 0755);

}  // namespace trellis::guest
