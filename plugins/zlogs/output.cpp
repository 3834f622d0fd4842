#include "plugins/zlogs/output.hpp"

#include "plugins/common/url/url.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

namespace trellis::plugins::zlogs {
namespace {

constexpr std::size_t kMaxUrl = 4096;
constexpr std::size_t kMaxHost = 255;
constexpr unsigned kMaxPort = 65535;
constexpr std::uint16_t kRedisPort = 6379;
constexpr std::uint16_t kWsPort = 80;
constexpr std::uint16_t kWssPort = 443;
constexpr std::string_view kEncodedInPath = " \"<>`{}";
constexpr std::string_view kEncodedInQuery = " \"<>";

bool IsHostCharacter(char c) {
  bool const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || (c >= '0' && c <= '9') || std::string_view("-._:").find(c) != std::string::npos;
}

std::string Encode(std::string_view text, std::string_view encoded) {
  std::string out;
  for (char const c : text) {
    auto const byte = static_cast<unsigned char>(c);
    bool const plain = byte > 0x20 && byte < 0x7f && encoded.find(c) == std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

std::string Decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    constexpr int kHex = 16;
    bool const escape =
        text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(&text[i + 1], &text[i + 1] + 2, byte, kHex).ec == std::errc();
    out += escape ? static_cast<char>(byte) : text[i];
    if (escape) i += 2;
  }
  return out;
}

/// 1 for `.`, 2 for `..`, also where dots are written as escapes; else 0.
int DotsOf(std::string_view segment) {
  std::string plain(segment);
  for (std::size_t at = plain.find('%'); at != std::string::npos; at = plain.find('%', at + 1)) {
    if (plain.compare(at, 3, "%2e") == 0 || plain.compare(at, 3, "%2E") == 0)
      plain.replace(at, 3, ".");
  }
  if (plain == ".") return 1;
  return plain == ".." ? 2 : 0;
}

/// The path with its `.` and `..` segments resolved.
std::string WithoutDots(std::string_view path) {
  std::vector<std::string_view> kept;
  path.remove_prefix(path.starts_with('/') ? 1 : 0);
  for (bool last = false; !last;) {
    auto const slash = path.find('/');
    last = slash == std::string_view::npos;
    auto const segment = path.substr(0, slash);
    int const dots = DotsOf(segment);
    if (dots == 2 && !kept.empty()) kept.pop_back();
    if (dots == 0) kept.push_back(segment);
    if (dots != 0 && last) kept.emplace_back();
    if (!last) path.remove_prefix(slash + 1);
  }
  return fmt::format("/{}", fmt::join(kept, "/"));
}

std::optional<Output::Kind> KindOf(std::string_view scheme) {
  if (scheme == "redis") return Output::Kind::kRedis;
  if (scheme == "ws") return Output::Kind::kWs;
  if (scheme == "wss") return Output::Kind::kWss;
  return std::nullopt;
}

std::uint16_t DefaultPort(Output::Kind kind) {
  switch (kind) {
    case Output::Kind::kRedis:
      return kRedisPort;
    case Output::Kind::kWs:
      return kWsPort;
    case Output::Kind::kWss:
      return kWssPort;
  }
  return 0;
}

std::string_view SchemeOf(Output::Kind kind) {
  switch (kind) {
    case Output::Kind::kRedis:
      return "redis";
    case Output::Kind::kWs:
      return "ws";
    case Output::Kind::kWss:
      return "wss";
  }
  return {};
}

Result<std::uint16_t> PortOf(Url const& url, Output::Kind kind) {
  if (url.port.empty()) return DefaultPort(kind);
  unsigned port = 0;
  auto const* const end = url.port.data() + url.port.size();
  auto const read = std::from_chars(url.port.data(), end, port);
  if (read.ec != std::errc() || read.ptr != end || port == 0 || port > kMaxPort)
    return Fail(Code::kInvalid, "output has the invalid port '{}'", url.port);
  return static_cast<std::uint16_t>(port);
}

Result<void> FillUser(Output& output, std::string_view userinfo) {
  auto const colon = userinfo.find(':');
  output.user = Decode(userinfo.substr(0, colon));
  if (colon != std::string_view::npos) output.password = Decode(userinfo.substr(colon + 1));
  auto const control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(output.user, control) || std::ranges::any_of(output.password, control))
    return Fail(Code::kInvalid, "output has a control character in its user or password");
  return {};
}

Result<void> FillTarget(Output& output, Url const& url) {
  std::string const path = WithoutDots(Encode(url.path, kEncodedInPath));
  if (output.kind != Output::Kind::kRedis) {
    output.target = path;
    if (!url.query.empty()) output.target += "?" + Encode(url.query, kEncodedInQuery);
    return {};
  }
  auto const begin = path.find_first_not_of('/');
  if (begin == std::string::npos) return Fail(Code::kInvalid, "output has no channel");
  output.target = path.substr(begin);
  return {};
}

}  // namespace

std::string Output::Authority() const {
  auto const name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == DefaultPort(kind) ? name : fmt::format("{}:{}", name, port);
}

std::string Output::Shown() const {
  auto const path = target.substr(0, target.find('?'));
  return fmt::format("{}://{}{}{}", SchemeOf(kind), Authority(), kind == Kind::kRedis ? "/" : "",
                     path);
}

Result<Output> ParseOutput(std::string_view text) {
  if (text.size() > kMaxUrl) return Fail(Code::kInvalid, "output is longer than {} bytes", kMaxUrl);
  auto const url = ParseUrl(text);
  if (!url) return Fail(Code::kInvalid, "invalid output url: {}", url.error().message);
  auto const kind = KindOf(url->scheme);
  if (!kind)
    return Fail(Code::kInvalid, "output scheme '{}' is none of redis, ws, wss", url->scheme);
  Output output;
  output.kind = *kind;
  output.host = BareHost(*url);
  if (output.host.empty()) return Fail(Code::kInvalid, "output has no host");
  if (output.host.size() > kMaxHost || !std::ranges::all_of(output.host, IsHostCharacter))
    return Fail(Code::kInvalid, "output has the invalid host '{}'", output.host);
  TRELLIS_TRY(output.port, PortOf(*url, *kind));
  TRELLIS_CHECK(FillUser(output, url->userinfo));
  TRELLIS_CHECK(FillTarget(output, *url));
  return output;
}

}  // namespace trellis::plugins::zlogs
