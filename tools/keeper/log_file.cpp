#include "tools/keeper/log_file.hpp"

#include "kernel/sys/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace trellis::keeper {

bool LogFile::Drain(int pipe) {
  constexpr int kRounds = 64;  // one chatty process must not hold up the others
  std::array<char, 16384> buffer{};
  for (int i = 0; i < kRounds; ++i) {
    ssize_t const got = ::read(pipe, buffer.data(), buffer.size());
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    Append({buffer.data(), static_cast<std::size_t>(got)});
  }
  return true;
}

void LogFile::Open() {
  (void)sys::EnsureDirectory(std::filesystem::path(path_).parent_path(), sys::kPrivateDirectory);
  auto opened = sys::OpenFile(path_, O_WRONLY | O_CREAT | O_APPEND, sys::kPrivateFile);
  if (!opened) return;
  fd_ = *std::move(opened);
  struct stat facts {};
  size_ = ::fstat(fd_.get(), &facts) == 0 ? static_cast<std::size_t>(facts.st_size) : 0;
}

void LogFile::Rotate() {
  fd_ = sys::UniqueFd();
  (void)std::rename(path_.c_str(), (path_ + ".1").c_str());
  size_ = 0;
}

void LogFile::Append(std::string_view text) {
  if (fd_.valid() && size_ + text.size() > kMaxLogFile) Rotate();
  if (!fd_.valid()) Open();
  // A full disk costs log lines, never the process.
  if (fd_.valid() && sys::WriteAll(fd_.get(), text)) size_ += text.size();
}

}  // namespace trellis::keeper
