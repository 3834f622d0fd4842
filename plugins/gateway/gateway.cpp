#include "plugins/gateway/gateway.hpp"

#include <unistd.h>

#include <algorithm>

namespace trellis::plugins::gateway {

namespace {

/// Of the ledger: network use.
constexpr std::string_view kMetric = "nru";

}  // namespace

Gateway::Gateway(Host host, GatewayConfig config)
    : host_(host),
      config_(std::move(config)),
      routes_(host),
      certificates_(config_, host.state_dir()),
      proxy_(host, config_),
      forwards_(host, config_, [this](auto const& listen) { return routes_.Forwards(listen); }),
      orders_(
          config_.acme, certificates_.acme_dir(),
          AcmeProofs{
              [this](auto const& token, auto const& answer) { return ProveByHttp(token, answer); },
              [this](auto const& domain, auto const& texts) { return ProveByDns(domain, texts); }},
          [this](auto const& domain, auto const& pem) { Ordered(domain, pem); }) {}

std::set<std::string> Gateway::OwnServers(RouteRecord const& route) const {
  auto const& own = ServersOf(route);
  std::set<std::string> servers(own.begin(), own.end());
  for (auto const& [id, other] : routes_.all()) {
    if (id == route.id) continue;
    for (auto const& server : ServersOf(other))
      servers.erase(server);
  }
  return servers;
}

/// Asks the forwarder to listen for a route into a network, and keeps where it
/// does.
Result<void> Gateway::Forward(Call& call, RouteRecord& route) {
  if (route.network.empty()) return {};
  TRELLIS_TRY(auto listen, forwards_.Set(call, route, Facts().netns));
  if (listen == route.forwards) return {};
  route.forwards = std::move(listen);
  return routes_.Put(route);
}

bool Gateway::IsForwarding() const {
  return std::ranges::any_of(routes_.all(),
                             [](auto const& entry) { return !entry.second.network.empty(); });
}

Result<void> Gateway::EndForwarder(Call& call) {
  return IsForwarding() || proves_by_dns_ ? Result<void>() : forwards_.Stop(call);
}

/// The route is not forwarded any more.
Result<void> Gateway::LeaveNetwork(Call& call, std::string const& id) {
  TRELLIS_CHECK(forwards_.Remove(id));
  return EndForwarder(call);
}

Result<std::size_t> Gateway::RepairForwards(Call& call) {
  if (!IsForwarding()) return 0;
  auto missing = forwards_.Missing(routes_.all());
  if (!missing) {  // the process is away: it knows nothing any more
    missing = std::set<std::string>();
    for (auto const& [id, route] : routes_.all())
      if (!route.network.empty()) missing->insert(id);
  }
  for (auto const& id : *missing) {
    auto route = *routes_.Find(id);
    TRELLIS_CHECK(Forward(call, route));
    if (proxy_.running()) TRELLIS_CHECK(proxy_.SetRoute(route));
  }
  return missing->size();
}

Result<void> Gateway::StartProxy(Call& call) {
  auto const facts = Facts();
  // Routes into networks must not keep the others down.
  if (auto const forwarded = RepairForwards(call); !forwarded)
    host_.Warn("forwarder not repaired, retrying",
               {{"error", json::Encode(forwarded.error().message)}});
  std::vector<RouteRecord> routes;
  std::map<std::string, std::string> pems;
  for (auto const& [id, route] : routes_.all()) {
    routes.push_back(route);
    TRELLIS_TRY(auto pem, certificates_.For(route));
    if (!pem.empty()) pems.emplace(route.fqdn, std::move(pem));
  }
  TRELLIS_TRY(auto fallback, certificates_.Fallback(facts.domain()));
  TRELLIS_CHECK(proxy_.Prepare(routes, std::move(fallback), std::move(pems)));
  TRELLIS_CHECK(proxy_.Ensure(call, facts.netns));
  // A process that outlived the plugin may have been told something else.
  TRELLIS_CHECK(proxy_.Repair(call, facts.netns));
  return {};
}

Result<void> Gateway::GoLive(Call& call, RouteRecord route, RouteRecord const* before) {
  TRELLIS_CHECK(Forward(call, route));
  if (!proxy_.running()) return StartProxy(call);
  auto const set = [&]() -> Result<void> {
    bool const moved = before != nullptr && (before->fqdn != route.fqdn ||
                                             ServersOf(*before).size() != ServersOf(route).size());
    if (moved) TRELLIS_CHECK(proxy_.RemoveRoute(*before));
    TRELLIS_TRY(auto const pem, certificates_.For(route));
    if (!pem.empty()) TRELLIS_CHECK(proxy_.SetCertificate(route.fqdn, pem));
    TRELLIS_CHECK(proxy_.SetRoute(route));
    bool const left = before != nullptr && !before->network.empty() && route.network.empty();
    return left ? LeaveNetwork(call, route.id) : Result<void>();
  };
  if (set()) return {};
  // The proxy is on its way back from a death, or somebody changed it by hand.
  TRELLIS_CHECK(proxy_.Repair(call, Facts().netns));
  return set();
}

Result<Provisioned> Gateway::Provision(Call& call, RouteRequest const& request, bool stored) {
  TRELLIS_TRY(auto route, Check(call, request, stored ? Ask::kOnlyHere : Ask::kEverything,
                                /*networks_come=*/false));
  std::scoped_lock const lock(mutex_);
  auto const* const found = routes_.Find(route.id);
  auto const before = found != nullptr ? std::optional(*found) : std::nullopt;
  if (before && before->network == route.network &&
      before->backends.size() == route.backends.size())
    route.forwards = before->forwards;  // where it listens already
  bool const changed = before != route;
  TRELLIS_CHECK(changed ? routes_.Put(route) : routes_.CheckFree(route.fqdn, route.id));
  auto const live = GoLive(call, route, before ? &*before : nullptr);
  if (!live) {
    if (!before) (void)Remove(call, route);  // what is told is why it did not come up
    return tl::unexpected<Error>(live.error());
  }
  OrderCertificate(route);
  route_count_.Record(static_cast<double>(routes_.all().size()));
  return Provisioned{route.fqdn, changed};
}

Result<void> Gateway::Precheck(Call& call, RouteRequest const& request) {
  TRELLIS_TRY(auto const route, Check(call, request, Ask::kEverything, /*networks_come=*/true));
  std::scoped_lock const lock(mutex_);
  return routes_.CheckFree(route.fqdn, route.id);
}

void Gateway::NoteLastCounters(std::string const& id) {
  auto const counters = proxy_.ReadCounters();
  if (!counters) return;
  auto const found = counters->find(id);
  if (found != counters->end()) last_words_[id] = found->second.bytes_in + found->second.bytes_out;
}

Result<void> Gateway::TakeDown(RouteRecord const& route) {
  TRELLIS_CHECK(proxy_.RemoveRoute(route));
  TRELLIS_CHECK(proxy_.RemoveCertificate(route.fqdn));
  TRELLIS_CHECK(proxy_.Close(OwnServers(route)));
  NoteLastCounters(route.id);
  return proxy_.ClearCounters(route.id);
}

// The name first, the record last: after a crash in the middle it is done again.
Result<void> Gateway::Remove(Call& call, RouteRecord const& route) {
  if (proxy_.running() && !TakeDown(route)) {
    TRELLIS_CHECK(proxy_.Repair(call, Facts().netns));
    TRELLIS_CHECK(TakeDown(route));
  }
  // Before the record: as long as it is there, nobody else gets the addresses.
  if (!route.network.empty()) TRELLIS_CHECK(forwards_.Remove(route.id));
  TRELLIS_CHECK(certificates_.Forget(route));
  TRELLIS_CHECK(routes_.Remove(route.id));
  if (auto const order = certificates_.OrderOf(route); !IsOrderedFor(order)) orders_.Forget(order);
  route_count_.Record(static_cast<double>(routes_.all().size()));
  if (!route.network.empty()) TRELLIS_CHECK(LeaveNetwork(call, route.id));
  // Nothing to route: the ports are given back.
  return routes_.empty() ? proxy_.Stop(call) : Result<void>();
}

Result<void> Gateway::Deprovision(Call& call, std::string const& id) {
  std::scoped_lock const lock(mutex_);
  auto const* const found = routes_.Find(id);
  if (found == nullptr) return {};
  auto const route = *found;
  return Remove(call, route);
}

Result<void> Gateway::SetPaused(Call& call, std::string const& id, bool paused) {
  std::scoped_lock const lock(mutex_);
  auto const* const found = routes_.Find(id);
  if (found == nullptr) return Fail(Code::kNotFound, "no route '{}'", id);
  auto route = *found;
  route.paused = paused;
  TRELLIS_CHECK(routes_.Put(route));
  TRELLIS_CHECK(GoLive(call, route, nullptr));
  return paused ? proxy_.Close(OwnServers(route)) : Result<void>();
}

Result<Observed> Gateway::Inspect(RouteRequest const& request) {
  auto const facts = Facts();
  std::scoped_lock const lock(mutex_);
  auto const* const route = routes_.Find(request.id);
  if (route == nullptr) return Observed::Absent();
  if (request.kind == kNameKind && !request.name.empty() &&
      route->fqdn != fmt::format("{}.{}", LowerCase(request.name), facts.domain()))
    return Observed::Drifted("the node's domain has changed");
  auto const difference = proxy_.Difference(*route);
  if (!difference) return Observed::Drifted(difference.error().message);
  if (!difference->empty()) return Observed::Drifted(*difference);
  if (!route->network.empty()) {
    if (::access(route->netns.c_str(), F_OK) != 0)
      return Observed::Drifted(fmt::format("network '{}' is gone", route->network));
    if (!forwards_.Holds(*route))
      return Observed::Drifted("the route is not forwarded into its network");
  }
  return route->paused ? Observed::Paused() : Observed::Running();
}

std::vector<std::string> Gateway::Owned(std::string_view kind) {
  std::scoped_lock const lock(mutex_);
  std::vector<std::string> ids;
  for (auto const& [id, route] : routes_.all()) {
    if (route.kind == kind) ids.push_back(id);
  }
  return ids;
}

Result<void> Gateway::Keep(Call& call, std::string_view kind,
                           std::span<std::string_view const> ids) {
  for (auto const& id : Owned(kind)) {
    // Plugins ('@') give their routes back themselves.
    if (id.starts_with('@') || std::ranges::find(ids, id) != ids.end()) continue;
    TRELLIS_CHECK(Deprovision(call, id));
  }
  return {};
}

Result<std::vector<RouteLine>> Gateway::List() {
  std::scoped_lock const lock(mutex_);
  std::map<std::string, Traffic> counters;
  if (proxy_.running()) {
    if (auto read = proxy_.ReadCounters()) counters = *std::move(read);
  }
  std::vector<RouteLine> lines;
  for (auto const& [id, route] : routes_.all())
    lines.push_back(LineOf(route, counters[id]));
  return lines;
}

// Those of removed routes are told once more, so that nothing is lost between two samples.
Result<std::vector<Reading>> Gateway::Consumption() {
  std::scoped_lock const lock(mutex_);
  std::vector<Reading> readings;
  std::map<std::string, Traffic> counters;
  if (proxy_.running()) {
    TRELLIS_TRY(counters, proxy_.ReadCounters());
  }
  // Before those that count now: a route may have been made again under the same id.
  for (auto const& [id, total] : std::exchange(last_words_, {}))
    readings.push_back({id, std::string(kMetric), total});
  for (auto const& [id, traffic] : counters)
    readings.push_back({id, std::string(kMetric), traffic.bytes_in + traffic.bytes_out});
  return readings;
}

std::string Gateway::Authority() {
  std::scoped_lock const lock(mutex_);
  return certificates_.authority();
}

}  // namespace trellis::plugins::gateway
