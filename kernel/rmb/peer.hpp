// A peer on the bus: keeps connections to relays, asks and answers. Used by the node and by
// clients.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/rmb/fair_pool.hpp"
#include "kernel/rmb/inbox.hpp"
#include "kernel/rmb/link.hpp"
#include "kernel/rmb/twin_cache.hpp"
#include "kernel/rmb/twins.hpp"

#include <trellis/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::rmb {

/// What a handler answers: JSON ("" means `null`), or an error with a wire code.
struct Outcome {
  std::string payload;
  std::uint32_t error_code = 0;
  std::string error;  ///< not empty: an error
};
/// Exactly once, from any thread. May outlive the peer.
using Reply = std::function<void(Outcome)>;
/// On a thread of the pool: must be quick (hand over what is not).
using Handler = std::function<void(IncomingRequest, Reply)>;

/// A question to another twin.
struct Question {
  Address to;
  std::string command;
  std::string payload;
  std::uint64_t timestamp = 0;   ///< unix seconds when it was first asked; 0 = now
  std::uint64_t expiration = 0;  ///< seconds from then; 0 = 300
  std::optional<std::string> tags;
  std::string uid;  ///< "" = a new one
};

/// Errors of the other side: kDenied, text as sent, `remote_code` set. kTimeout, kUnavailable,
/// kCancelled; kNotFound: no such twin.
struct CallFailure {
  Error error;
  std::uint32_t remote_code = 0;
};
using CallResult = tl::expected<std::string, CallFailure>;

/// A thread for timers and sockets, `rmb`; signatures are checked on the pool. Safe for use by
/// several threads.
class Peer {
 public:
  /// What several users in one process share; all must outlive the peer.
  struct Parts {
    TwinCache& twins;
    FairPool& pool;
    Clock const& clock;
  };
  static constexpr std::size_t kMaxLinks = 4;

  /// Connects in the background and again after every loss. `handler` may be empty.
  static std::unique_ptr<Peer> Start(std::vector<LinkMaker> const& links, Identity identity,
                                     Parts parts, Handler handler);
  /// With a cache and a pool of its own: for clients. kInvalid for a URL it cannot use.
  static Result<std::unique_ptr<Peer>> Start(std::string_view relay_url, Identity identity,
                                             TwinDirectory& twins, Handler handler);
  /// Open calls fail with kCancelled.
  ~Peer();
  Peer(Peer const&) = delete;
  Peer& operator=(Peer const&) = delete;

  /// True once connected to a relay; waits at most `limit`.
  [[nodiscard]] bool WaitConnected(std::chrono::milliseconds limit);
  using Failure = CallFailure;
  /// Asks and waits for at most `life`.
  CallResult Call(std::uint32_t twin, std::string_view command, std::string_view payload,
                  std::chrono::seconds life);
  /// Asks; `done` once, on any thread, also before this returns.
  void Ask(Question question, std::function<void(CallResult)> done);

 private:
  class Impl;
  struct Own;
  Peer(std::unique_ptr<Own> own, std::shared_ptr<Impl> impl);
  std::unique_ptr<Own> own_;    // a client's cache and pool
  std::shared_ptr<Impl> impl_;  // shared with open replies and checks under way
};

}  // namespace trellis::rmb
