#include "plugins/gateway/backend.hpp"

#include "plugins/common/url/url.hpp"

#include <algorithm>
#include <optional>

namespace trellis::plugins::gateway {
namespace {

constexpr std::uint32_t kMaxPort = 65535;
constexpr std::string_view kDefaultPort = "80";

// Leading zeros pass.
bool IsPort(std::string_view digits) {
  std::uint32_t port = 0;
  for (char const c : digits) {
    if (c < '0' || c > '9') return false;
    port = port * 10 + static_cast<std::uint32_t>(c - '0');
    if (port > kMaxPort) return false;
  }
  return !digits.empty();
}

// IPv4, or `[…]` around either family.
std::optional<IpAddress> ReadHost(std::string_view host) {
  bool const bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  auto const ip = IpAddress::Parse(bracketed ? host.substr(1, host.size() - 2) : host);
  if (!ip || ip->empty()) return std::nullopt;
  if (!bracketed && host.find(':') != std::string_view::npos) return std::nullopt;
  return *ip;
}

bool IsLoopback(IpAddress const& ip) {
  if (ip.is_v4()) return ip.bytes()[0] == 127;
  auto const& bytes = ip.bytes();
  return bytes[15] == 1 &&
         std::all_of(bytes.begin(), bytes.end() - 1, [](auto b) { return b == 0; });
}

Result<Endpoint> ReadAddress(std::string_view text) {
  auto const colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return Fail(Code::kInvalid, "backend '{}' is not host:port", text);
  auto const ip = ReadHost(text.substr(0, colon));
  if (!ip || !IsPort(text.substr(colon + 1)))
    return Fail(Code::kInvalid, "backend '{}' is not an ip address and a port", text);
  return Endpoint{*ip, std::string(text)};
}

Result<Endpoint> ReadUrl(std::string_view text) {
  auto const url = ParseUrl(text);
  if (!url) return Fail(Code::kInvalid, "backend '{}' is an {}", text, url.error().message);
  if (url->scheme != "http" || !url->has_authority || text.find(' ') != std::string_view::npos)
    return Fail(Code::kInvalid, "backend '{}' is no http url", text);
  auto const ip = ReadHost(url->host);
  if (!ip) return Fail(Code::kInvalid, "host of backend '{}' is no ip address", text);
  if (IsLoopback(*ip)) return Fail(Code::kInvalid, "backend '{}' is a loopback address", text);
  if (!url->port.empty() && !IsPort(url->port))
    return Fail(Code::kInvalid, "port of backend '{}' is above {}", text, kMaxPort);
  auto const port = url->port.empty() ? kDefaultPort : std::string_view(url->port);
  return Endpoint{*ip, fmt::format("{}:{}", url->host, port)};
}

}  // namespace

Result<Endpoint> ReadBackend(std::string_view text, bool tls_passthrough) {
  return tls_passthrough ? ReadAddress(text) : ReadUrl(text);
}

}  // namespace trellis::plugins::gateway
