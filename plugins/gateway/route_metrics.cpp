#include "plugins/gateway/route_metrics.hpp"

namespace trellis::plugins::gateway {

RouteMetrics::Gauges& RouteMetrics::Of(std::string const& id) {
  auto const [entry, fresh] = gauges_.try_emplace(id);
  if (fresh) {
    auto const define = [&](std::string_view name, std::string_view help) {
      return Metric::Define(host_, Metric::Kind::kGauge, name, help, {{"workload", id}});
    };
    entry->second = {define("route_requests", "requests since the proxy started"),
                     define("route_connections", "connections since the proxy started"),
                     define("route_bytes_in", "bytes from clients since the proxy started"),
                     define("route_bytes_out", "bytes to clients since the proxy started")};
  }
  return entry->second;
}

void RouteMetrics::Record(std::map<std::string, Traffic> const& counters) {
  for (auto const& [id, traffic] : counters) {
    if (gauges_.size() < kMaxMeteredRoutes) (void)Of(id);
  }
  for (auto const& [id, gauges] : gauges_) {
    auto const found = counters.find(id);
    auto const traffic = found == counters.end() ? Traffic{} : found->second;
    gauges.requests.Record(static_cast<double>(traffic.requests));
    gauges.connections.Record(static_cast<double>(traffic.connections));
    gauges.bytes_in.Record(static_cast<double>(traffic.bytes_in));
    gauges.bytes_out.Record(static_cast<double>(traffic.bytes_out));
  }
}

}  // namespace trellis::plugins::gateway
