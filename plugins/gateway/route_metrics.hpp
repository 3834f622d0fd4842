// Counters of each route for the operator's monitoring. Pure.
#pragma once

#include "plugins/gateway/haproxy/traffic.hpp"
#include "plugins/gateway/routes/record.hpp"

#include <trellis/services/metrics.hpp>

#include <vector>

namespace trellis::plugins::gateway {

/// Of every route that there is; one without traffic has zeros. The last two have the names by
/// which collectors of other nodes know them.
std::vector<services::MetricFamily> RouteMetrics(std::map<std::string, RouteRecord> const& routes,
                                                 std::map<std::string, Traffic> const& counters);

}  // namespace trellis::plugins::gateway
