#include "plugins/common/posix/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

namespace trellis::plugins {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxName = 200;
constexpr std::size_t kReadChunk = std::size_t{64} << 10;

}  // namespace

Result<UniqueFd> OpenFile(std::string const& path, int flags, unsigned mode) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) return FailErrno("open '{}'", path);
  return fd;
}

Result<void> WriteAll(int fd, std::string_view text, std::string const& path) {
  while (!text.empty()) {
    auto const written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FailErrno("write '{}'", path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::string> ReadAll(int fd, std::size_t limit) {
  std::string text;
  std::array<char, kReadChunk> chunk{};
  while (true) {
    auto const got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno("read");
    if (got == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > limit) return Fail(Code::kExhausted, "file is bigger than {} bytes", limit);
  }
}

Result<std::string> ReadFile(std::string const& path, std::size_t limit) {
  TRELLIS_TRY(auto const fd, OpenFile(path, O_RDONLY));
  auto text = ReadAll(fd.get(), limit);
  if (!text) return tl::unexpected<Error>(std::move(text).error().With("'{}'", path));
  return text;
}

Result<void> WriteFile(std::string const& path, std::string_view text, unsigned mode) {
  std::string temp = path + ".XXXXXX";
  UniqueFd const fd(::mkostemp(temp.data(), O_CLOEXEC));
  if (!fd) return FailErrno("create '{}'", temp);
  auto written = WriteAll(fd.get(), text, temp);
  if (written && (::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0 ||
                  ::rename(temp.c_str(), path.c_str()) != 0)) {
    written = FailErrno("replace '{}'", path);
  }
  if (!written) ::unlink(temp.c_str());
  return written;
}

Result<void> MakeDirs(std::string const& path, unsigned mode) {
  std::size_t end = 0;
  while (end != std::string::npos) {
    end = path.find('/', end + 1);
    auto const part = path.substr(0, end);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) return FailErrno("create '{}'", part);
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return FailErrno("'{}'", path);
  if (!S_ISDIR(info.st_mode)) return Fail(Code::kIo, "'{}' is not a directory", path);
  return {};
}

std::string RealPath(std::string const& path) {
  std::error_code error;
  auto real = fs::canonical(path, error);
  return error ? path : real.string();
}

Result<void> RemoveTree(std::string const& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return Fail(Code::kIo, "remove '{}': {}", path, error.message());
  return {};
}

Result<std::vector<std::string>> ListDir(std::string const& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  if (error && error != std::errc::no_such_file_or_directory)
    return Fail(Code::kIo, "list '{}': {}", path, error.message());
  std::ranges::sort(names);
  return names;
}

bool IsSafeName(std::string_view name) {
  if (name.empty() || name.size() > kMaxName || name.front() == '.') return false;
  return std::ranges::all_of(name, [](char c) {
    bool const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') ||
           std::string_view("._@=-").find(c) != std::string_view::npos;
  });
}

Result<std::string> OwnerToName(std::string_view owner) {
  std::string name(owner);
  bool const plain = owner.find('=') == std::string_view::npos;
  if (owner.starts_with('@')) std::ranges::replace(name, '/', '=');
  if (!plain || !IsSafeName(name)) return Fail(Code::kInvalid, "'{}' cannot own anything", owner);
  return name;
}

std::string NameToOwner(std::string_view name) {
  std::string owner(name);
  if (owner.starts_with('@')) std::ranges::replace(owner, '=', '/');
  return owner;
}

}  // namespace trellis::plugins
