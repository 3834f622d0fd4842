// The local front-end: programs on this machine use the peer through lists, in the way older SDKs
// do, with any Redis client.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/rmb/peer.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace trellis::rmb {

struct FrontendOptions {
  std::string listen;  ///< path of a unix socket, or `<loopback address>:<port>`
  std::size_t connections = 1000;
};

/// One thread, `rmb-lists`.
class Frontend {
 public:
  /// Listens. `peer` sends the requests of programs; it and `clock` must outlive the front-end.
  /// kInvalid: an address that others could reach; kIo: taken.
  static Result<std::unique_ptr<Frontend>> Start(FrontendOptions options, Peer& peer,
                                                 Clock const& clock);
  ~Frontend();
  Frontend(Frontend const&) = delete;
  Frontend& operator=(Frontend const&) = delete;

  /// Gives a request to the service that listens for its command; any thread. False: there is
  /// none, and `reply` was not taken.
  [[nodiscard]] bool Offer(IncomingRequest const& request, Reply const& reply);
  /// As bound; 0 for a unix socket.
  [[nodiscard]] std::uint16_t port() const;

 private:
  class Impl;
  explicit Frontend(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trellis::rmb
