#include "plugins/flist/rfs/store.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/common/url/url.hpp"

#include <algorithm>
#include <filesystem>

namespace trellis::plugins::flist {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxNamespace = 128;

bool IsBelow(fs::path const& path, fs::path const& root) {
  return std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
}

// The real path, so that links do not lead out.
Result<std::string> Allowed(std::string const& path, StoreRules const& rules) {
  if (!path.starts_with('/') || path.find('\0') != std::string::npos)
    return Fail(Code::kInvalid, "path '{}' of a store is not absolute", path);
  std::error_code error;
  auto const real = fs::weakly_canonical(path, error);
  for (auto const& root : rules.roots) {
    auto const real_root = fs::canonical(root, error);
    if (!error && IsBelow(real, real_root)) return real.string();
  }
  return Fail(Code::kDenied, "store '{}' is not below a directory that the node offers", path);
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string Unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool const escape = text[i] == '%' && i + 2 < text.size() && HexValue(text[i + 1]) >= 0 &&
                        HexValue(text[i + 2]) >= 0;
    if (!escape) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2]));
    i += 2;
  }
  return out;
}

bool IsNamespace(std::string_view ns) {
  return ns.size() <= kMaxNamespace &&
         std::ranges::all_of(ns, [](char c) { return c > ' ' && c < '\x7f' && c != '/'; });
}

Result<std::unique_ptr<BlockStore>> OpenZdb(Url const& url, StoreRules const& rules) {
  ZdbAddress address;
  if (url.host.empty()) {
    TRELLIS_TRY(address.socket, Allowed(Unescaped(url.path), rules));
    return MakeZdbStore(std::move(address));
  }
  address.host = BareHost(url);
  if (!url.port.empty()) address.port = url.port;
  address.ns = Unescaped(url.path.starts_with('/') ? url.path.substr(1) : url.path);
  if (!IsNamespace(address.ns))
    return Fail(Code::kInvalid, "'{}' is no namespace of a store", address.ns);
  if (auto const colon = url.userinfo.find(':'); colon != std::string::npos)
    address.password = Unescaped(url.userinfo.substr(colon + 1));
  return MakeZdbStore(std::move(address));
}

}  // namespace

Result<std::unique_ptr<BlockStore>> OpenStore(std::string const& text, StoreRules const& rules) {
  auto const url = ParseUrl(text);
  if (!url) return Fail(Code::kInvalid, "'{}' is no url of a store", WithoutPassword(text));
  if (url->scheme == "dir") {
    TRELLIS_TRY(auto path, Allowed(Unescaped(url->host + url->path), rules));
    return MakeDirStore(std::move(path));
  }
  if (url->scheme == "http" || url->scheme == "https") {
    if (url->host.empty())
      return Fail(Code::kInvalid, "'{}' is no url of a store", WithoutPassword(text));
    auto base = text.substr(0, text.find_first_of("?#"));
    while (base.ends_with('/'))
      base.pop_back();
    return MakeHttpStore(std::move(base));
  }
  if (url->scheme == "zdb") return OpenZdb(*url, rules);
  return Fail(Code::kUnsupported, "stores of scheme '{}' are not supported", url->scheme);
}

std::string WithoutPassword(std::string const& url) {
  auto const begin = url.find("://");
  if (begin == std::string::npos) return url;
  auto const authority = begin + 3;
  auto const end = std::min(url.find_first_of("/?#", authority), url.size());
  auto const at = url.rfind('@', end == 0 ? 0 : end - 1);
  if (at == std::string::npos || at < authority) return url;
  return url.substr(0, authority) + url.substr(at + 1);
}

}  // namespace trellis::plugins::flist
