// What the plugin does on its own: start, repair, checks against the ledger, changes of the node.
#include "plugins/gateway/checks/checks.hpp"
#include "plugins/gateway/gateway.hpp"

#include <algorithm>
#include <random>

namespace trellis::plugins::gateway {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLookEvery{15};
constexpr std::chrono::seconds kRepairLimit{40};
constexpr std::chrono::minutes kNamesEvery{60};

/// An hour, give or take a tenth: not all nodes ask the ledger at once.
std::chrono::seconds UntilNextNames() {
  std::random_device random;
  auto const hour = std::chrono::seconds(kNamesEvery).count();
  std::uniform_int_distribution<std::int64_t> spread(-hour / 10, hour / 10);
  return std::chrono::seconds(hour + spread(random));
}

}  // namespace

Result<void> Gateway::Start(Call& call) {
  restarts_ = Metric::Define(host_, Metric::Kind::kCounter, "proxy_restarts_total",
                             "times the proxy came back after it died or hung");
  repairs_ = Metric::Define(host_, Metric::Kind::kCounter, "proxy_repairs_total",
                            "entries and files of the proxy that were put right");
  route_count_ =
      Metric::Define(host_, Metric::Kind::kGauge, "routes", "domains that are routed now");
  TRELLIS_CHECK(certificates_.Open());
  // Without it nothing can be routed yet, but what is there can be removed.
  auto const facts = LearnFacts(call);
  if (!facts)
    host_.Warn("public configuration not read, retrying",
               {{"error", json::Encode(facts.error().message)}});
  next_names_ = Clock::now() + UntilNextNames();
  next_certificates_ = Clock::now();
  {
    std::scoped_lock const lock(mutex_);
    TRELLIS_CHECK(routes_.Load());
    TRELLIS_CHECK(EndLeftovers(call));
    route_count_.Record(static_cast<double>(routes_.all().size()));
    if (!routes_.empty() && facts && facts->config) {
      // Nothing that is wrong with the proxy may keep the plugin down: the task tries again.
      if (auto const started = StartProxy(call); !started)
        host_.Warn("proxy not started, retrying",
                   {{"error", json::Encode(started.error().message)}});
    }
  }
  TRELLIS_CHECK(host_.Subscribe("ledger.name_canceled",
                                [this](std::string_view, std::string_view) { CheckNames(); }));
  TRELLIS_CHECK(host_.Subscribe(services::kNetPublicChanged,
                                [this](std::string_view, std::string_view) { NodeChanged(); }));
  task_ = host_.After(kLookEvery, kLookEvery, [this] { Upkeep(); });
  return {};
}

/// What a plugin left running that did not live to end it.
Result<void> Gateway::EndLeftovers(Call& call) {
  (void)forwards_.StopNames();  // when nothing runs, nothing answers
  TRELLIS_CHECK(EndForwarder(call));
  return routes_.empty() ? proxy_.Stop(call) : Result<void>();
}

void Gateway::Stop() {
  host_.CancelTask(task_);
  orders_.Stop();
}

void Gateway::Upkeep() {
  RepairProxy();
  if (Clock::now() < next_names_) return;
  next_names_ = Clock::now() + UntilNextNames();
  CheckNames();
}

void Gateway::RepairProxy() {
  OwnCall own(host_, kRepairLimit);
  auto const facts = KnownFacts(own.call());
  std::scoped_lock const lock(mutex_);
  if (routes_.empty() || !facts || !facts->config) return;
  if (!proxy_.running()) {
    auto const started = StartProxy(own.call());
    if (!started)
      host_.Warn("proxy not started, retrying", {{"error", json::Encode(started.error().message)}});
    return;
  }
  auto const forwarded = RepairForwards(own.call());
  if (!forwarded)
    host_.Warn("forwarder not repaired, retrying",
               {{"error", json::Encode(forwarded.error().message)}});
  auto repaired = proxy_.Repair(own.call(), facts->netns);
  if (repaired) repaired->entries += forwarded.value_or(0);
  if (!repaired) {
    host_.Warn("proxy not repaired, retrying", {{"error", json::Encode(repaired.error().message)}});
    return;
  }
  restarts_.Record(static_cast<double>(repaired->restarts));
  repairs_.Record(static_cast<double>(repaired->entries));
  if (repaired->restarts + repaired->entries != 0)
    host_.Warn("proxy repaired", {{"restarts", json::Encode(repaired->restarts)},
                                  {"entries", json::Encode(repaired->entries)}});
  if (auto const renewed = RefreshCertificates(); !renewed)
    host_.Warn("certificates not renewed, retrying",
               {{"error", json::Encode(renewed.error().message)}});
}

// Driven by what is routed, not by what the node's domain is now.
void Gateway::CheckNames() {
  std::vector<RouteRecord> names;
  {
    std::scoped_lock const lock(mutex_);
    for (auto const& [id, route] : routes_.all()) {
      if (route.kind == kNameKind) names.push_back(route);
    }
  }
  for (auto const& route : names) {
    auto const checked = CheckName(route.name, route.twin);
    if (checked) continue;
    if (checked.error().code != Code::kDenied) {
      host_.Warn("name contracts not checked, retrying",
                 {{"error", json::Encode(checked.error().message)}});
      return;  // the ledger is away, so the others stay as well
    }
    auto const told = host_.ReportFailed(route.id, checked.error().message);
    host_.Info("name contract lost", {{"id", json::Encode(route.id)},
                                      {"reason", json::Encode(checked.error().message)},
                                      {"told", told.has_value()}});
  }
}

void Gateway::NodeChanged() {
  OwnCall own(host_, kRepairLimit);
  auto const before = Facts();
  auto const facts = LearnFacts(own.call());
  if (!facts) {
    host_.Warn("public configuration not read", {{"error", json::Encode(facts.error().message)}});
    return;
  }
  std::scoped_lock const lock(mutex_);
  for (auto const& [id, route] : routes_.all())
    Judge(route, *facts);
  if (!proxy_.running()) return;
  next_certificates_ = Clock::now();
  auto done = RefreshCertificates();
  if (done && before.netns != facts->netns) done = Move(own.call(), facts->netns);
  if (!done)
    host_.Warn("proxy not adapted, retrying", {{"error", json::Encode(done.error().message)}});
}

/// Takes the node's processes to another namespace.
Result<void> Gateway::Move(Call& call, std::string const& netns) {
  TRELLIS_CHECK(forwards_.Stop(call));
  TRELLIS_CHECK(RepairForwards(call));
  return proxy_.Ensure(call, netns);
}

/// Tells the engine of a route that the changed node would refuse, or would
/// give another domain.
void Gateway::Judge(RouteRecord const& route, NodeFacts const& facts) const {
  if (route.kind == kServiceKind) return;
  RouteRequest request;
  request.kind = route.kind;
  request.name = route.kind == kNameKind ? route.name : route.fqdn;
  request.target.tls_passthrough = true;
  for (auto const& server : route.backends) {
    auto const bar = server.rfind('|');
    request.target.backends.push_back(
        fmt::format("[{}]:{}", server.substr(0, bar), server.substr(bar + 1)));
  }
  request.target.network = route.network;
  auto const loopback = config_.allow_loopback_backends ? Loopback::kAllowed : Loopback::kRefused;
  auto refused = CheckSupported(request, facts);
  if (refused) refused = CheckDomain(request, facts);
  Result<void> told;
  if (refused) {
    if (auto const backends = CheckBackends(request, facts, loopback); !backends)
      refused = tl::unexpected<Error>(backends.error());
  }
  if (!refused) {
    told = host_.ReportFailed(route.id, refused.error().message);
  } else if (DomainOf(request, facts) != route.fqdn) {
    told = host_.ReportObserved(route.id, Observed::Drifted("the node's domain has changed"));
  }
  if (!told)
    host_.Warn("engine not told",
               {{"id", json::Encode(route.id)}, {"error", json::Encode(told.error().message)}});
}

}  // namespace trellis::plugins::gateway
