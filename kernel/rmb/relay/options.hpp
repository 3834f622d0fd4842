// What an operator can set of a relay, and what it counts.
#pragma once

#include "kernel/rmb/relay/queues.hpp"
#include "kernel/rmb/relay/rate_limit.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace trellis::rmb {

struct FederationOptions {
  std::vector<std::string> insecure_domains;  ///< reached by http:// instead of https://
  std::int64_t ranker_period_s = 3600;        ///< for how long a failure of a relay counts
  std::size_t waiting = 10000;                ///< messages that wait; more are refused
  std::size_t waiting_bytes = std::size_t{64} << 20U;
};

struct RedisOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 6379;
  std::string password;
  std::uint32_t database = 0;
  std::string prefix = "trellis-relay:";  ///< of all keys
};

struct RelayOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;  ///< 0 = any free one
  /// What twins may call this relay; its own host:port always counts.
  std::vector<std::string> domains;
  std::filesystem::path tls_certificate;  ///< PEM, "" = plain
  std::filesystem::path tls_key;
  std::int64_t jwt_leeway_s = 30;
  std::size_t max_message = std::size_t{16} << 20U;
  std::size_t max_sessions = 10000;
  std::optional<RelayRateLimit> limit;
  QueueLimits queues;
  FederationOptions federation;
  std::optional<RedisOptions> redis;  ///< queues are shared there; empty = in memory
};

/// Counters of 5.6 in the protocol's description; their names are known to dashboards.
struct RelayCounters {
  std::uint64_t rx = 0;
  std::uint64_t tx = 0;
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
  std::uint64_t evicted_closed = 0;
  std::uint64_t evicted_slow = 0;
  std::uint64_t evicted_cancelled = 0;
};

}  // namespace trellis::rmb
