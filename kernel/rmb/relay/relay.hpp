// The embedded relay: routes envelopes between the sessions of twins. It never decrypts.
#pragma once

#include "kernel/rmb/relay/queues.hpp"
#include "kernel/rmb/twins.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace trellis::rmb {

struct RelayRateLimit {
  std::uint64_t messages = 0;  ///< of one twin in a window of 60 s
  std::uint64_t bytes = 0;
};

struct RelayOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;  ///< 0 = any free one
  std::vector<std::string>
      domains;  ///< what twins may call this relay; its own host:port always counts
  std::int64_t jwt_leeway_s = 30;
  std::size_t max_message = std::size_t{16} << 20;
  std::size_t max_sessions = 10000;
  std::optional<RelayRateLimit> limit;
  QueueLimits queues;
};

/// One thread, `relay`.
class Relay {
 public:
  /// Listens. `twins` is asked on the relay's thread and must outlive it. kIo when the address is
  /// taken.
  static Result<std::unique_ptr<Relay>> Start(RelayOptions options, TwinDirectory& twins);
  /// Closes all sessions; queued messages are lost.
  ~Relay();
  Relay(Relay const&) = delete;
  Relay& operator=(Relay const&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// `ws://host:port`
  [[nodiscard]] std::string url() const;

 private:
  class Impl;
  explicit Relay(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trellis::rmb
