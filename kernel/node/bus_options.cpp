#include "kernel/node/bus_options.hpp"

#include "kernel/api/router.hpp"
#include "kernel/base/strings.hpp"
#include "kernel/sys/files.hpp"
#include "kernel/sys/sysinfo.hpp"

#include <algorithm>

namespace trellis::node {

rmb::FairLimits VerifierLimits() {
  constexpr std::uint64_t kMost = 4;
  rmb::FairLimits limits;
  limits.threads = static_cast<std::size_t>(std::min(sys::CpuCount(), kMost));
  limits.threads += api::Router::kMaxHere;  // they may be at a command
  return limits;
}

Result<rmb::RedisOptions> ParseRedisUrl(std::string_view url) {
  constexpr std::string_view kScheme = "redis://";
  auto const bad = [&] {
    return Fail(Code::kInvalid, "key 'relay.redis': '{}' is not redis://host[:port][/database]",
                url);
  };
  if (!url.starts_with(kScheme)) return bad();
  auto rest = url.substr(kScheme.size());
  rmb::RedisOptions out;
  if (auto const slash = rest.find('/'); slash != std::string_view::npos) {
    auto const text = rest.substr(slash + 1);
    auto const database = strings::ParseNumber<std::uint32_t>(text.empty() ? "0" : text);
    if (!database) return bad();
    out.database = *database;
    rest = rest.substr(0, slash);
  }
  auto const colon = rest.rfind(':');
  if (colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos) {
    auto const port = strings::ParseNumber<std::uint16_t>(rest.substr(colon + 1));
    if (!port) return bad();
    out.port = *port;
    rest = rest.substr(0, colon);
  }
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  if (rest.empty() || rest.find('@') != std::string_view::npos) return bad();
  out.host = rest;
  return out;
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
  if (config.store != "redis") return options;
  TRELLIS_TRY(auto redis, ParseRedisUrl(config.redis));
  if (!config.redis_password_file.empty()) {
    TRELLIS_TRY(auto const password, sys::ReadFile(config.redis_password_file));
    redis.password = strings::Trim(password);
  }
  options.redis = std::move(redis);
  return options;
}

}  // namespace trellis::node
