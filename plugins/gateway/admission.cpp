// What a request must pass before it becomes a route: the order of the checks is the clients'.
#include "plugins/gateway/checks/checks.hpp"
#include "plugins/gateway/checks/resolver.hpp"
#include "plugins/gateway/gateway.hpp"

#include <trellis/names.hpp>

#include <algorithm>

namespace trellis::plugins::gateway {

namespace {

constexpr std::chrono::seconds kDnsLimit{10};

tl::unexpected<Error> BadName(std::string_view why) {
  return Fail(Code::kDenied, "failed to verify name contract: {}", why);
}

bool Has(std::vector<IpAddress> const& addresses, std::string const& net) {
  auto const own = IpNet::Parse(net);
  return own && !own->empty() && std::ranges::find(addresses, own->ip) != addresses.end();
}

}  // namespace

Result<NodeFacts> Gateway::LearnFacts(Call& call) {
  TRELLIS_TRY(auto info, host_.CallService<services::PublicConfigInfo>(call, services::kNetPublic,
                                                                       "config", json::Nothing{}));
  std::scoped_lock const lock(facts_mutex_);
  facts_ = NodeFacts{std::move(info.public_config), std::move(info.netns)};
  facts_known_ = true;
  return facts_;
}

Result<NodeFacts> Gateway::KnownFacts(Call& call) {
  {
    std::scoped_lock const lock(facts_mutex_);
    if (facts_known_) return facts_;
  }
  return LearnFacts(call);
}

NodeFacts Gateway::Facts() {
  std::scoped_lock const lock(facts_mutex_);
  return facts_;
}

Result<void> Gateway::CheckName(std::string const& name, std::uint32_t twin) const {
  auto const owner = FindNameOwner(host_, name);
  if (!owner && owner.error().code != Code::kNotFound) {
    auto error = owner.error();
    return tl::unexpected<Error>(std::move(error).With("failed to verify name contract"));
  }
  if (!owner || owner->type != "name")
    return BadName("a name contract with the given name must be reserved first");
  if (owner->state != "created" && owner->state != "grace_period")
    return BadName("the name contract must be in Created or GracePeriod state");
  if (owner->twin_id != twin) return BadName("twin id mismatch");
  return {};
}

Result<void> Gateway::CheckDns(std::string const& domain, NodeFacts const& facts) const {
  if (!config_.verify_dns) return {};
  auto const found = Resolve(config_.resolver, domain, kDnsLimit);
  if (!found) {
    auto error = found.error();
    return tl::unexpected<Error>(std::move(error).With("failed to verify domain dns record"));
  }
  if (Has(*found, facts.config->ipv4) || Has(*found, facts.config->ipv6)) return {};
  return Fail(Code::kInvalid,
              "failed to verify domain dns record: host doesn't point to the gateway ip");
}

Result<std::string> Gateway::FindNetwork(Call& call, RouteRequest const& request,
                                         bool may_come) const {
  auto const& network = request.target.network;
  if (!network || network->empty()) return std::string();
  services::NamespaceLookup const asked{request.twin, *network};
  auto found =
      host_.CallService<services::NamespaceInfo>(call, services::kNetNamespace, "lookup", asked);
  if (found) return std::move(found->netns);
  if (found.error().code != Code::kNotFound) return tl::unexpected<Error>(found.error());
  if (may_come) {  // with the same deployment
    auto const beside = host_.GetWorkload(call, *network);
    if (beside && beside->type == "network") return std::string();
  }
  return Fail(Code::kNotFound, "failed to get user network: network '{}' not found", *network);
}

Result<RouteRecord> Gateway::Check(Call& call, RouteRequest const& request, Ask ask,
                                   bool networks_come) {
  TRELLIS_TRY(auto const facts, KnownFacts(call));
  TRELLIS_CHECK(CheckSupported(request, facts));
  bool const asks = ask == Ask::kEverything;
  if (asks && request.kind == kNameKind) TRELLIS_CHECK(CheckName(request.name, request.twin));
  TRELLIS_CHECK(CheckDomain(request, facts));
  auto const domain = DomainOf(request, facts);
  if (asks && request.kind == kFqdnKind) TRELLIS_CHECK(CheckDns(domain, facts));
  auto const loopback = config_.allow_loopback_backends ? Loopback::kAllowed : Loopback::kRefused;
  TRELLIS_TRY(auto servers, CheckBackends(request, facts, loopback));
  TRELLIS_TRY(auto netns, FindNetwork(call, request, networks_come));
  if (servers.size() > kMaxBackends) return Fail(Code::kInvalid, "too many backends");
  RouteRecord route;
  route.id = request.id;
  route.kind = request.kind;
  if (request.kind == kNameKind) route.name = request.name;
  route.fqdn = domain;
  route.twin = request.twin;
  route.tls_passthrough = request.target.tls_passthrough;
  route.paused = request.paused;
  route.backends = std::move(servers);
  route.network = request.target.network.value_or("");
  route.netns = std::move(netns);
  return route;
}

}  // namespace trellis::plugins::gateway
