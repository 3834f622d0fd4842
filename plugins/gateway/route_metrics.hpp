// Counters of each route for the operator's monitoring. Not thread-safe.
#pragma once

#include "plugins/gateway/haproxy/traffic.hpp"

#include <trellis/metrics.hpp>

namespace trellis::plugins::gateway {

/// Routes that are exported, in the order they were first seen: the host bears a thousand metrics
/// of a plugin and forgets none. `trellis gateway list` shows all.
inline constexpr std::size_t kMaxMeteredRoutes = 240;

class RouteMetrics {
 public:
  explicit RouteMetrics(Host host) : host_(host) {}

  /// What is counted now; a route that is no longer there is shown with zeros.
  void Record(std::map<std::string, Traffic> const& counters);

 private:
  struct Gauges {
    Metric requests;
    Metric connections;
    Metric bytes_in;
    Metric bytes_out;
  };
  Gauges& Of(std::string const& id);

  Host host_;
  std::map<std::string, Gauges> gauges_;
};

}  // namespace trellis::plugins::gateway
