#include "kernel/node/bus_options.hpp"

#include "kernel/sys/sysinfo.hpp"

#include <algorithm>

namespace trellis::node {

rmb::FairLimits VerifierLimits() {
  constexpr std::uint64_t kMost = 4;
  rmb::FairLimits limits;
  limits.threads = static_cast<std::size_t>(std::min(sys::CpuCount(), kMost));
  return limits;
}

Result<rmb::RelayOptions> RelayOptionsOf(RelayConfig const& config) {
  TRELLIS_TRY(auto const listen, ParseListen("relay.listen", config.listen));
  rmb::RelayOptions options;
  options.host = listen.host;
  options.port = listen.port;
  options.domains = config.domains;
  options.tls_certificate = config.tls_cert;
  options.tls_key = config.tls_key;
  options.jwt_leeway_s = config.jwt_leeway_s;
  options.max_message = config.max_message;
  options.max_sessions = config.max_sessions;
  if (config.limit.size() == 2)
    options.limit.emplace(rmb::RelayRateLimit{config.limit[0], config.limit[1]});
  options.queues.messages = config.queue_messages;
  options.queues.session_bytes = std::max(options.queues.session_bytes, 4 * options.max_message);
  options.queues.ttl_s = config.queue_ttl_s;
  options.federation.ranker_period_s = config.ranker_period_s;
  options.federation.insecure_domains = config.insecure_domains;
  return options;
}

}  // namespace trellis::node
