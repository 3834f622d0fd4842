#include "plugins/gateway/haproxy/run_file.hpp"

#include <fcntl.h>

#include <cstdio>

namespace trellis::plugins::gateway {

namespace {

constexpr unsigned kMode = 0600;

}  // namespace

Result<void> ReplaceRunFile(std::string const& path, std::string_view text) {
  auto const fresh = path + ".new";
  TRELLIS_TRY(auto const file, OpenFile(fresh, O_WRONLY | O_CREAT | O_TRUNC, kMode));
  TRELLIS_CHECK(WriteAll(file.get(), text, fresh));
  if (::rename(fresh.c_str(), path.c_str()) != 0) return FailErrno("replace '{}'", path);
  return {};
}

Result<void> AppendRunFile(std::string const& path, std::string_view text) {
  TRELLIS_TRY(auto const file, OpenFile(path, O_WRONLY | O_CREAT | O_APPEND, kMode));
  return WriteAll(file.get(), text, path);
}

}  // namespace trellis::plugins::gateway
