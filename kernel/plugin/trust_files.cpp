#include "kernel/plugin/trust_files.hpp"

#include "kernel/sys/errors.hpp"
#include "kernel/sys/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace trellis::plugin {

namespace fs = std::filesystem;

namespace {

struct Program {
  fs::path folder;
  uid_t owner = 0;
};

/// This program: where it is, and whose.
Program const& ThisProgram() {
  static Program const kProgram = [] {
    std::error_code unknown;
    auto const file = fs::read_symlink("/proc/self/exe", unknown);
    struct stat facts {};
    // An unknown owner is root: the strictest reading.
    uid_t const owner = ::stat(file.c_str(), &facts) == 0 ? facts.st_uid : 0;
    return Program{file.parent_path(), owner};
  }();
  return kProgram;
}

bool IsAbove(fs::path const& folder, fs::path const& path) {
  auto const relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

Result<void> CheckFacts(fs::path const& path, struct stat const& facts, bool sticky_is_fine) {
  if (facts.st_uid != 0 && facts.st_uid != ThisProgram().owner)
    return Fail(Code::kDenied, "'{}' is owned by user {}, not by root", path.string(),
                facts.st_uid);
  // In a sticky folder nobody can replace what is another's.
  if (sticky_is_fine && (facts.st_mode & S_ISVTX) != 0) return {};
  if ((facts.st_mode & S_IWGRP) != 0)
    return Fail(Code::kDenied, "'{}' is writable for its group", path.string());
  if ((facts.st_mode & S_IWOTH) != 0)
    return Fail(Code::kDenied, "'{}' is writable for everybody", path.string());
  return {};
}

}  // namespace

Result<OwnedFile> OwnedFile::Open(fs::path const& file) {
  struct stat facts {};
  if (::lstat(file.c_str(), &facts) == 0 && S_ISLNK(facts.st_mode))
    return Fail(Code::kInvalid, "'{}' is a symbolic link", file.string());
  TRELLIS_TRY(auto opened, sys::OpenFile(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (::fstat(opened.get(), &facts) != 0 || !S_ISREG(facts.st_mode))
    return Fail(Code::kInvalid, "'{}' is not a regular file", file.string());
  return OwnedFile(file, std::move(opened));
}

Result<void> OwnedFile::CheckOwner() const {
  struct stat facts {};
  if (::fstat(fd_.get(), &facts) != 0) return sys::Fail("stat", path_.string());
  return CheckFacts(path_, facts, /*sticky_is_fine=*/false);
}

Result<std::string> OwnedFile::Read(std::size_t max_bytes) const {
  struct stat facts {};
  if (::fstat(fd_.get(), &facts) != 0) return sys::Fail("stat", path_.string());
  auto const size = static_cast<std::size_t>(facts.st_size);
  if (size > max_bytes)
    return Fail(Code::kExhausted, "'{}' has more than {} bytes", path_.string(), max_bytes);
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    auto const got = ::pread(fd_.get(), bytes.data() + have, size - have, static_cast<off_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return sys::Fail("read", path_.string());
    if (got == 0) break;  // it was cut meanwhile
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

Result<void> CheckOwnedFolders(fs::path const& folder) {
  std::error_code failed;
  auto const real = fs::canonical(folder, failed);
  if (failed) return Fail(Code::kIo, "'{}': {}", folder.string(), failed.message());
  for (auto path = real;; path = path.parent_path()) {
    if (path != real && IsAbove(path, ThisProgram().folder)) return {};
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) return sys::Fail("stat", path.string());
    TRELLIS_CHECK(CheckFacts(path, facts, /*sticky_is_fine=*/path != real));
    if (path == path.root_path()) return {};
  }
}

}  // namespace trellis::plugin
