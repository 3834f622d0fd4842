// A peer's way to one relay: a websocket, or a session inside the process.
#pragma once

#include "kernel/rmb/envelope.hpp"

#include <trellis/result.hpp>

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace trellis::rmb {

/// Relays close the connection of who sends more at once.
inline constexpr std::size_t kMaxMessage = std::size_t{16} << 20U;
/// Of a request or an answer: the rest is for what an envelope says besides.
inline constexpr std::size_t kMaxPayload = kMaxMessage - (std::size_t{64} << 10U);

/// A signed envelope on its way out.
struct Parcel {
  std::string bytes;
  std::uint64_t expires = 0;  ///< unix seconds
};

class Link;

/// Called from the link's own thread, must be quick.
struct LinkEvents {
  std::function<void(std::string envelope)> message;
  /// Takes parcels now.
  std::function<void()> ready;
  /// Lost. What was accepted and not written comes back.
  std::function<void(std::deque<Parcel>)> lost;
};

/// Safe for use by several threads. Connects by itself, again and again.
class Link {
 public:
  Link() = default;
  virtual ~Link() = default;
  Link(Link const&) = delete;
  Link& operator=(Link const&) = delete;
  /// Takes the parcel when the link is connected and not too much waits on it.
  [[nodiscard]] virtual bool TrySend(Parcel& parcel) = 0;
  /// On the peer's thread, once: connect.
  virtual void Start(LinkEvents events) = 0;
  /// On the peer's thread: no event comes after it.
  virtual void Stop() = 0;
};

/// Makes a link whose timers and sockets run on `io`, the peer's thread.
using LinkMaker = std::function<std::unique_ptr<Link>(boost::asio::io_context& io)>;

/// Pauses between tries: doubling, with jitter, from the start again after a good connection.
class Backoff {
 public:
  [[nodiscard]] std::chrono::milliseconds Next();
  void Reset() { pause_ = kFirst; }

  static constexpr std::chrono::milliseconds kFirst{500};
  static constexpr std::chrono::milliseconds kLongest{8000};

 private:
  std::chrono::milliseconds pause_ = kFirst;
};

class Relay;
/// A session of a relay in this process, which must outlive the link.
[[nodiscard]] LinkMaker LocalLink(Relay& relay, Address session);

}  // namespace trellis::rmb
