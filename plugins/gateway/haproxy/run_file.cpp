#include "plugins/gateway/haproxy/run_file.hpp"

#include <fcntl.h>

#include <cstdio>

namespace trellis::plugins::gateway {

namespace {

constexpr unsigned kMode = 0600;

Result<void> WriteAll(int fd, std::string const& path, std::string_view text) {
  while (!text.empty()) {
    auto const written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FailErrno("write '{}'", path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<void> ReplaceRunFile(std::string const& path, std::string_view text) {
  auto const fresh = path + ".new";
  TRELLIS_TRY(auto const file, OpenFile(fresh, O_WRONLY | O_CREAT | O_TRUNC, kMode));
  TRELLIS_CHECK(WriteAll(file.get(), fresh, text));
  if (::rename(fresh.c_str(), path.c_str()) != 0) return FailErrno("replace '{}'", path);
  return {};
}

Result<void> AppendRunFile(std::string const& path, std::string_view text) {
  TRELLIS_TRY(auto const file, OpenFile(path, O_WRONLY | O_CREAT | O_APPEND, kMode));
  return WriteAll(file.get(), path, text);
}

}  // namespace trellis::plugins::gateway
