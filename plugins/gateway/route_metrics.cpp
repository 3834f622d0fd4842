#include "plugins/gateway/route_metrics.hpp"

#include <fmt/format.h>

namespace trellis::plugins::gateway {

namespace {

using services::MetricFamily;

MetricFamily Own(std::string name, std::string help) {
  MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help) + " since the proxy started";
  family.label = "workload";
  return family;
}

MetricFamily Known(std::string name, std::string help) {
  MetricFamily family;
  family.name = std::move(name);
  family.kind = "counter";
  family.help = std::move(help);
  family.label = "service";
  family.verbatim = true;
  return family;
}

}  // namespace

std::vector<MetricFamily> RouteMetrics(std::map<std::string, RouteRecord> const& routes,
                                       std::map<std::string, Traffic> const& counters) {
  auto requests = Own("route_requests", "requests");
  auto connections = Own("route_connections", "connections");
  auto bytes_in = Own("route_bytes_in", "bytes from clients");
  auto bytes_out = Own("route_bytes_out", "bytes to clients");
  auto from_clients = Known("traefik_service_requests_bytes_total", "bytes of requests");
  auto to_clients = Known("traefik_service_responses_bytes_total", "bytes of responses");
  for (auto const& [id, route] : routes) {
    auto const found = counters.find(id);
    auto const traffic = found == counters.end() ? Traffic{} : found->second;
    auto const service = fmt::format("{}@file", id);
    requests.values.emplace(id, traffic.requests);
    connections.values.emplace(id, traffic.connections);
    bytes_in.values.emplace(id, traffic.bytes_in);
    bytes_out.values.emplace(id, traffic.bytes_out);
    from_clients.values.emplace(service, traffic.bytes_in);
    to_clients.values.emplace(service, traffic.bytes_out);
  }
  return {std::move(requests),  std::move(connections),  std::move(bytes_in),
          std::move(bytes_out), std::move(from_clients), std::move(to_clients)};
}

}  // namespace trellis::plugins::gateway
