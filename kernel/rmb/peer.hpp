// A peer on the bus: keeps a connection to a relay, asks and answers. Used by the node and by
// clients.
#pragma once

#include "kernel/rmb/inbox.hpp"
#include "kernel/rmb/twins.hpp"

#include <trellis/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace trellis::rmb {

/// What a handler answers: JSON ("" means `null`), or an error with a wire code.
struct Outcome {
  std::string payload;
  std::uint32_t error_code = 0;
  std::string error;  ///< not empty: an error
};
/// Exactly once, from any thread.
using Reply = std::function<void(Outcome)>;
/// On the peer's thread: must be quick (hand over to a pool).
using Handler = std::function<void(IncomingRequest, Reply)>;

/// One thread, `rmb`. Safe for use by several threads.
class Peer {
 public:
  /// `relay_url`: `ws://host[:port]`. Connects in the background and again after every loss.
  /// `handler` may be empty. kInvalid for a URL it cannot use.
  static Result<std::unique_ptr<Peer>> Start(std::string_view relay_url, Identity identity,
                                             TwinDirectory& twins, Handler handler);
  /// Open calls fail with kCancelled.
  ~Peer();
  Peer(Peer const&) = delete;
  Peer& operator=(Peer const&) = delete;

  /// True once connected; waits at most `limit`.
  [[nodiscard]] bool WaitConnected(std::chrono::milliseconds limit);
  /// Asks and waits. Errors of the other side: kDenied, text as sent, `remote_code` set. kTimeout,
  /// kUnavailable.
  struct Failure {
    Error error;
    std::uint32_t remote_code = 0;
  };
  tl::expected<std::string, Failure> Call(std::uint32_t twin, std::string_view command,
                                          std::string_view payload, std::chrono::seconds life);

 private:
  class Impl;
  explicit Peer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl>
      impl_;  // shared with the handlers of its own I/O thread and with open replies
};

}  // namespace trellis::rmb
