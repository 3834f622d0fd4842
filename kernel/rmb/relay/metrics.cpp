#include "kernel/rmb/relay/metrics.hpp"

#include <fmt/format.h>

#include <string_view>

namespace trellis::rmb {

std::string RelayMetrics(RelayCounters const& counters, Queues const& queues, std::size_t sessions,
                         TwinCacheCounters const& cache) {
  std::string text;
  auto const add = [&](std::string_view name, std::string_view type, std::uint64_t value) {
    text += fmt::format("# TYPE {0} {1}\n{0} {2}\n", name, type, value);
  };
  add("relay_message_rx", "counter", counters.rx);
  add("relay_message_tx", "counter", counters.tx);
  add("relay_message_rx_bytes", "counter", counters.rx_bytes);
  add("relay_message_tx_bytes", "counter", counters.tx_bytes);
  text += "# TYPE relay_session_evictions_total counter\n";
  auto const eviction = [&](std::string_view reason, std::uint64_t value) {
    text += fmt::format("relay_session_evictions_total{{reason=\"{}\"}} {}\n", reason, value);
  };
  eviction("closed", counters.evicted_closed);
  eviction("back_pressure_timeout", counters.evicted_slow);
  eviction("cancelled", counters.evicted_cancelled);
  text += "# TYPE relay_worker_connections gauge\n";
  text += fmt::format("relay_worker_connections{{worker=\"0\"}} {}\n", sessions);
  add("relay_queued_bytes", "gauge", queues.total_bytes());
  add("relay_message_dropped", "counter", queues.dropped());
  add("rmb_cache_hits_total", "counter", cache.hits);
  add("rmb_cache_misses_total", "counter", cache.misses);
  add("rmb_cache_flushes_total", "counter", cache.flushes);
  add("rmb_cache_entries", "gauge", cache.entries);
  return text;
}

}  // namespace trellis::rmb
