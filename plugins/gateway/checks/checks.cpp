#include "plugins/gateway/checks/checks.hpp"

#include "plugins/gateway/backend.hpp"

#include <algorithm>
#include <charconv>

namespace trellis::plugins::gateway {

namespace {

constexpr std::size_t kMaxDomain = 253;
constexpr std::size_t kMaxLabel = 63;
/// What the proxy itself listens on.
constexpr std::uint16_t kPlainPort = 80;
constexpr std::uint16_t kTlsPort = 443;

struct Dialled {
  std::string text;  ///< as the client wrote it
  IpAddress ip;
  std::uint16_t port = 0;
};

bool IsBelow(std::string const& fqdn, std::string const& domain) {
  return fqdn == domain || fqdn.ends_with("." + domain);
}

bool FitsDns(std::string_view domain) {
  if (domain.size() > kMaxDomain) return false;
  while (true) {
    auto const dot = domain.find('.');
    if (domain.substr(0, dot).size() > kMaxLabel) return false;
    if (dot == std::string_view::npos) return true;
    domain.remove_prefix(dot + 1);
  }
}

bool IsIn(IpAddress const& ip, char const* net) {
  return IpNet::Parse(net)->Contains(ip);
}
bool IsLoopback(IpAddress const& ip) {
  return IsIn(ip, "127.0.0.0/8") || IsIn(ip, "::1/128");
}
/// No host of anybody: unspecified and multicast.
bool IsNobody(IpAddress const& ip) {
  return IsIn(ip, "0.0.0.0/8") || IsIn(ip, "224.0.0.0/4") || IsIn(ip, "255.255.255.255/32") ||
         IsIn(ip, "::/128") || IsIn(ip, "ff00::/8");
}
bool IsLinkLocal(IpAddress const& ip) {
  return IsIn(ip, "169.254.0.0/16") || IsIn(ip, "fe80::/10");
}

bool IsOwn(IpAddress const& ip, NodeFacts const& node) {
  if (!node.config) return false;
  auto const is = [&](std::string const& net) {
    auto const own = IpNet::Parse(net);
    return own && !own->empty() && own->ip == ip;
  };
  return is(node.config->ipv4) || is(node.config->ipv6);
}

Result<Dialled> Read(std::string const& text, bool passthrough) {
  TRELLIS_TRY(auto const endpoint, ReadBackend(text, passthrough));
  Dialled dialled{text, endpoint.ip, 0};
  auto const& address = endpoint.address;
  auto const* const end = address.data() + address.size();
  std::from_chars(address.data() + address.rfind(':') + 1, end, dialled.port);
  return dialled;
}

/// Loopback is for tests, and even then it must not lead to what the node itself listens on.
bool MayLoop(Dialled const& backend, Loopback loopback) {
  return loopback == Loopback::kAllowed && !IsIn(backend.ip, "127.64.0.0/10") &&
         backend.port != kPlainPort && backend.port != kTlsPort;
}

Result<void> CheckAddress(Dialled const& backend, RouteRequest const& request,
                          NodeFacts const& node, Loopback loopback) {
  auto const& network = request.target.network;
  bool const inside = network && !network->empty();
  if (!inside && IsOwn(backend.ip, node))
    return Fail(Code::kInvalid, "backend {} points to the node's own public IP address",
                backend.text);
  bool const looped = IsLoopback(backend.ip) && (inside || !MayLoop(backend, loopback));
  if (looped || IsNobody(backend.ip) || (!inside && IsLinkLocal(backend.ip)))
    return Fail(Code::kInvalid, "backend {} is not allowed", backend.text);
  return {};
}

}  // namespace

std::string DomainOf(RouteRequest const& request, NodeFacts const& node) {
  if (request.kind == kNameKind)
    return fmt::format("{}.{}", LowerCase(request.name), node.domain());
  return LowerCase(request.name);
}

Result<void> CheckSupported(RouteRequest const& request, NodeFacts const& node) {
  if (!node.config)
    return Fail(Code::kUnsupported,
                "gateway is not supported on this node: no public configuration");
  if (request.kind == kNameKind && node.domain().empty())
    return Fail(Code::kUnsupported, "node doesn't support name proxy (doesn't have a domain)");
  return {};
}

Result<void> CheckDomain(RouteRequest const& request, NodeFacts const& node) {
  auto const domain = DomainOf(request, node);
  auto const own = node.domain();
  if (request.kind != kNameKind && !own.empty() && IsBelow(domain, own))
    return Fail(Code::kInvalid,
                "can't create a fqdn workload with a subdomain of the gateway's managed domain");
  if (!FitsDns(domain)) return Fail(Code::kInvalid, "domain '{}' is too long", domain);
  return {};
}

Result<std::vector<std::string>> CheckBackends(RouteRequest const& request, NodeFacts const& node,
                                               Loopback loopback) {
  std::vector<std::string> servers;
  for (auto const& text : request.target.backends) {
    TRELLIS_TRY(auto const backend, Read(text, request.target.tls_passthrough));
    TRELLIS_CHECK(CheckAddress(backend, request, node, loopback));
    auto server = fmt::format("{}|{}", backend.ip.ToString(), backend.port);
    if (std::ranges::find(servers, server) == servers.end()) servers.push_back(std::move(server));
  }
  return servers;
}

}  // namespace trellis::plugins::gateway
