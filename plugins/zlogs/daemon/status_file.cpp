#include "plugins/zlogs/daemon/status_file.hpp"

#include <array>

namespace trellis::plugins::zlogs {

Status StatusFile::Read() const {
  std::array<char, kStatusBytes> buffer{};
  auto const got = ::pread(fd_.get(), buffer.data(), buffer.size(), 0);
  if (got <= 0) return {};
  auto status = json::Parse<Status>({buffer.data(), static_cast<std::size_t>(got)});
  return status ? *std::move(status) : Status{};
}

Result<void> StatusFile::Write(Status status) const {
  status.error.resize(std::min(status.error.size(), kMaxStatusError));
  std::string text = json::Dump(status);
  if (text.size() >= kStatusBytes) {
    status.error.clear();
    text = json::Dump(status);
  }
  text.resize(kStatusBytes - 1, ' ');
  text += '\n';
  if (::pwrite(fd_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return FailErrno("write the state file");
  return {};
}

}  // namespace trellis::plugins::zlogs
