// The plugin's work behind both workload types, the service and the commands.
#pragma once

#include "plugins/gateway/acme/orders.hpp"
#include "plugins/gateway/certs/certificates.hpp"
#include "plugins/gateway/checks/request.hpp"
#include "plugins/gateway/config.hpp"
#include "plugins/gateway/forward/forwards.hpp"
#include "plugins/gateway/haproxy/proxy.hpp"
#include "plugins/gateway/routes/routes.hpp"

#include <trellis/metrics.hpp>
#include <trellis/sdk.hpp>
#include <trellis/services/metrics.hpp>
#include <trellis/services/route_line.hpp>

#include <mutex>
#include <span>

namespace trellis::plugins::gateway {

using services::RouteLine;

/// What a workload moved, for the ledger.
struct Reading {
  std::string id;
  std::string metric;
  std::uint64_t total = 0;
};
BOOST_DESCRIBE_STRUCT(Reading, (), (id, metric, total))

/// What became of a request.
struct Provisioned {
  std::string fqdn;
  bool changed = false;
};

/// Thread-safe. Questions to the ledger and to name servers are asked without the lock.
class Gateway {
 public:
  Gateway(Host host, GatewayConfig config);

  /// Reads the routes and brings the proxy up when there are any.
  Result<void> Start(Call& call);
  void Stop();

  // ---- workloads, and routes of other plugins ----
  /// `stored`: the node answered for it before, so neither ledger nor name server is asked again.
  Result<Provisioned> Provision(Call& call, RouteRequest const& request, bool stored);
  Result<void> Precheck(Call& call, RouteRequest const& request);
  /// OK when unknown.
  Result<void> Deprovision(Call& call, std::string const& id);
  Result<void> SetPaused(Call& call, std::string const& id, bool paused);
  Result<Observed> Inspect(RouteRequest const& request);
  std::vector<std::string> Owned(std::string_view kind);
  /// Removes routes of the kind whose ids are not among `ids`.
  Result<void> Keep(Call& call, std::string_view kind, std::span<std::string_view const> ids);

  // ---- commands and providers ----
  Result<std::vector<RouteLine>> List();
  Result<std::vector<Reading>> Consumption();
  Result<std::vector<services::MetricFamily>> Metrics();
  /// Of one route: for `zos.debug.deployment.info` and `.health`.
  Result<std::string> Info(std::string_view request);
  Result<std::string> Health(std::string_view request);
  /// PEM of the authority that signs what the node makes itself.
  std::string Authority();

 private:
  enum class Ask : std::uint8_t { kEverything, kOnlyHere };

  Result<NodeFacts> LearnFacts(Call& call);
  Result<NodeFacts> KnownFacts(Call& call);
  NodeFacts Facts();
  Result<RouteRecord> Check(Call& call, RouteRequest const& request, Ask ask, bool networks_come);
  Result<void> CheckName(std::string const& name, std::uint32_t twin) const;
  Result<void> CheckDns(std::string const& domain, NodeFacts const& facts) const;
  /// Path of the namespace; "" without a network, or when it is still to come.
  Result<std::string> FindNetwork(Call& call, RouteRequest const& request, bool may_come) const;

  /// Of the route that a provider is asked for.
  Result<RouteLine> LineOf(std::string_view request);

  // These need mutex_.
  Result<void> StartProxy(Call& call);
  Result<void> GoLive(Call& call, RouteRecord route, RouteRecord const* before);
  [[nodiscard]] bool IsForwarding() const;
  [[nodiscard]] bool IsOrderedFor(std::string const& order) const;
  /// Ends the forwarder's process when nobody needs it any more.
  Result<void> EndForwarder(Call& call);
  Result<void> Forward(Call& call, RouteRecord& route);
  Result<void> LeaveNetwork(Call& call, std::string const& id);
  Result<std::size_t> RepairForwards(Call& call);
  Result<void> Remove(Call& call, RouteRecord const& route);
  Result<void> TakeDown(RouteRecord const& route);
  RouteLine LineOf(RouteRecord const& route, Traffic const& traffic);
  std::set<std::string> OwnServers(RouteRecord const& route) const;
  void NoteLastCounters(std::string const& id);
  Result<void> RefreshCertificates();
  void OrderCertificate(RouteRecord const& route);

  // From the thread of the orders.
  Result<void> ProveByHttp(std::string const& token, std::string const& answer);
  Result<void> ProveByDns(std::string const& domain, std::vector<std::string> const& texts);
  void Ordered(std::string const& domain, Result<std::string> const& pem);

  // Tasks and events.
  void Upkeep();
  void RepairProxy();
  void CheckNames();
  void NodeChanged();
  Result<void> EndLeftovers(Call& call);
  Result<void> Move(Call& call, std::string const& netns);
  void Judge(RouteRecord const& route, NodeFacts const& facts) const;

  Host host_;
  GatewayConfig const config_;
  std::mutex mutex_;  // guards everything below but the facts
  Routes routes_;
  Certificates certificates_;
  Proxy proxy_;
  Forwards forwards_;
  bool proves_by_dns_ = false;  // the forwarder's process answers for the node's domain
  std::map<std::string, std::uint64_t> last_words_;  // totals of removed routes, told once
  std::mutex facts_mutex_;
  NodeFacts facts_;
  bool facts_known_ = false;
  std::uint64_t task_ = 0;
  std::chrono::steady_clock::time_point next_names_;  // of the task alone
  std::chrono::steady_clock::time_point next_certificates_;
  Metric restarts_;
  Metric repairs_;
  Metric route_count_;
  AcmeOrders orders_;  // last: its thread uses the others
};

}  // namespace trellis::plugins::gateway
