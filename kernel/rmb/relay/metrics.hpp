// What a relay counts, as Prometheus text.
#pragma once

#include "kernel/rmb/relay/options.hpp"
#include "kernel/rmb/relay/queues.hpp"
#include "kernel/rmb/twin_cache.hpp"

#include <string>

namespace trellis::rmb {

[[nodiscard]] std::string RelayMetrics(RelayCounters const& counters, Queues const& queues,
                                       std::size_t sessions, TwinCacheCounters const& cache);

}  // namespace trellis::rmb
