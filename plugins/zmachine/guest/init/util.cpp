#include "plugins/zmachine/guest/init/util.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace trellis::guest {
namespace {

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    auto const done = ::write(fd, text.data(), text.size());
    if (done <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

void Log(std::string_view text) {
  std::string line = "trellis-init: ";
  line.append(text).append("\n");
  WriteAll(STDERR_FILENO, line);
}

std::string ErrnoText() {
  return std::strerror(errno);
}

std::string ReadFile(std::string const& path, std::size_t limit) {
  std::string out;
  Fd const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> buffer{};
  while (file.valid() && out.size() < limit) {
    auto const size =
        ::read(file.get(), buffer.data(), std::min(buffer.size(), limit - out.size()));
    if (size <= 0) break;
    out.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return out;
}

bool WriteFile(std::string const& path, std::string_view text, unsigned mode) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) ::unlink(path.c_str());
  Fd const file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode));
  return file.valid() && WriteAll(file.get(), text);
}

bool WriteKernelFile(std::string const& path, std::string_view value) {
  Fd const file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file.valid() && WriteAll(file.get(), value);
}

bool MakeFolders(std::string const& path, unsigned mode) {
  for (std::size_t end = 1; end != std::string::npos;) {
    end = path.find('/', end);
    auto const part = path.substr(0, end);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) return false;
    if (end != std::string::npos) ++end;
  }
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace trellis::guest
