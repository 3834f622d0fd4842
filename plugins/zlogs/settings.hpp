// What an operator sets for log streams; the plugin's configuration, and what a streamer is told.
#pragma once

#include <trellis/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace trellis::plugins::zlogs {

/// Defaults as in the manifest.
struct Settings {
  std::uint64_t tail = 8192;            ///< bytes of history that a new stream begins with
  std::uint32_t chunk = 8192;           ///< largest piece that is sent at once
  std::uint32_t coalesce_ms = 50;       ///< how long a smaller piece waits for more
  std::string compression = "gzip";     ///< gzip|none
  std::uint64_t lag_limit = 4U << 20U;  ///< unsent bytes above which a stream skips forward …
  std::uint64_t lag_keep = 1U << 20U;   ///< … to the last so many
  std::uint64_t rate = 1U << 20U;       ///< bytes of log per second, bursts of four times as much
  std::uint32_t connect_timeout_s = 10;
  std::uint32_t write_timeout_s = 30;
  std::uint32_t backoff_max_s = 15;
  std::uint32_t ping_s = 20;
  bool tls_verify = true;
  std::string ca_file;                   ///< who else signs peers' certificates
  std::vector<std::string> nameservers;  ///< IPv4, maybe with a port; empty: those of the network
  std::uint32_t max_streams_per_machine = 8;
  std::string user = "nobody";  ///< that streamers run as
  std::string program;          ///< of a streamer; empty: the one of this installation
};
BOOST_DESCRIBE_STRUCT(Settings, (),
                      (tail, chunk, coalesce_ms, compression, lag_limit, lag_keep, rate,
                       connect_timeout_s, write_timeout_s, backoff_max_s, ping_s, tls_verify,
                       ca_file, nameservers, max_streams_per_machine, user, program))

}  // namespace trellis::plugins::zlogs
