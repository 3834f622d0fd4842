// What the relay decides about one received message. No I/O.
#pragma once

#include "kernel/rmb/relay/queues.hpp"
#include "kernel/rmb/relay/relay.hpp"
#include "kernel/rmb/twins.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace trellis::rmb {

struct RelayCounters {
  std::uint64_t rx = 0;
  std::uint64_t tx = 0;
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
  std::uint64_t evicted_closed = 0;
  std::uint64_t evicted_slow = 0;
};

/// Not thread-safe: belongs to the relay's I/O thread.
class MessageRouter {
 public:
  struct Sessions {
    std::function<bool(Address const&)> connected;
    std::function<void(Address const&)> wake;  ///< something was queued for it
  };
  MessageRouter(RelayOptions const& options, TwinDirectory& twins, Sessions sessions)
      : options_(options), twins_(twins), sessions_(std::move(sessions)), queues_(options.queues) {}

  /// Routes what session `from` sent. kDecode: not an envelope, close the session.
  Result<void> Route(Address const& from, std::string bytes, std::int64_t now);

  [[nodiscard]] Queues& queues() { return queues_; }
  [[nodiscard]] RelayCounters& counters() { return counters_; }
  void SetOwnDomains(std::vector<std::string> domains) { domains_ = std::move(domains); }

 private:
  struct Window {
    std::int64_t number = 0;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };
  [[nodiscard]] bool WithinLimit(std::uint32_t twin, std::size_t size, std::int64_t now);
  void Push(Address const& session, std::string bytes, Envelope const& envelope, std::int64_t now);
  void Report(Address const& to, Envelope const& about, std::string text, std::int64_t now);
  void AnswerPing(Address const& from, Envelope envelope, std::int64_t now);

  RelayOptions const& options_;
  TwinDirectory& twins_;
  Sessions sessions_;
  Queues queues_;
  RelayCounters counters_;
  std::vector<std::string> domains_;
  std::map<std::uint32_t, Window> windows_;
};

}  // namespace trellis::rmb
