#include "plugins/flist/source.hpp"

#include "plugins/common/posix/files.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

namespace trellis::plugins::flist {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFileScheme = "file://";
constexpr std::size_t kMaxUrl = 2048;

tl::unexpected<Error> Missing(std::string const& url) {
  return Fail(Code::kNotFound, "'{}' does not exist", url);
}

std::optional<fs::path> RealPath(fs::path const& path) {
  std::error_code error;
  auto real = fs::canonical(path, error);
  if (error) return std::nullopt;
  return real;
}

bool IsBelow(fs::path const& path, fs::path const& root) {
  auto const [in_root, in_path] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  (void)in_path;
  return in_root == root.end();
}

// `path` when it is inside `root`, links followed.
Result<std::string> Inside(std::string const& url, fs::path const& path, fs::path const& root) {
  auto const real = RealPath(path);
  auto const real_root = RealPath(root);
  if (!real || !real_root) return Missing(url);
  if (!IsBelow(*real, *real_root))
    return Fail(Code::kDenied, "'{}' leads out of its directory", url);
  return real->string();
}

Result<std::string> LocalPath(FlistConfig const& config, std::string const& url,
                              std::string const& path) {
  for (auto const& root : config.file_roots) {
    auto const lexical = fs::path(path).lexically_normal();
    auto const real = RealPath(lexical);
    auto const real_root = RealPath(root);
    if (real && real_root && IsBelow(*real, *real_root)) return real->string();
    if (!real && IsBelow(lexical, fs::path(root).lexically_normal())) return Missing(url);
  }
  return Fail(Code::kDenied, "'{}' is not below a directory that the node offers", url);
}

}  // namespace

Result<std::string> Sources::Locate(Call& call, std::string const& url) const {
  if (url.empty() || url.size() > kMaxUrl)
    return Fail(Code::kInvalid, "flist url has {} bytes", url.size());
  if (url.find('\0') != std::string::npos)
    return Fail(Code::kInvalid, "flist url holds a zero byte");
  auto best = config_.flist_map.end();
  for (auto it = config_.flist_map.begin(); it != config_.flist_map.end(); ++it) {
    bool const longer = best == config_.flist_map.end() || it->first.size() > best->first.size();
    if (longer && url.starts_with(it->first)) best = it;
  }
  if (best != config_.flist_map.end()) {
    auto rest = url.substr(best->first.size());
    rest.erase(0, rest.find_first_not_of('/'));
    fs::path const root(best->second);
    return Inside(url, rest.empty() ? root : root / rest, root);
  }
  if (url.starts_with('/')) return LocalPath(config_, url, url);
  if (url.starts_with(kFileScheme)) return LocalPath(config_, url, url.substr(kFileScheme.size()));
  if (url.starts_with("http://") || url.starts_with("https://")) return downloads_.Fetch(call, url);
  return Fail(Code::kInvalid, "flist url '{}' is neither http, https nor file", url);
}

}  // namespace trellis::plugins::flist
