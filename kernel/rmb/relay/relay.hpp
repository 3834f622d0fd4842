// The relay: routes envelopes between the sessions of twins. It never decrypts.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/rmb/fair_pool.hpp"
#include "kernel/rmb/relay/options.hpp"
#include "kernel/rmb/twin_cache.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace trellis::rmb {

/// A session of this process, without a socket. Behaves as one with.
class LocalSession {
 public:
  LocalSession() = default;
  virtual ~LocalSession() = default;  ///< ends the session; no callback runs afterwards
  LocalSession(LocalSession const&) = delete;
  LocalSession& operator=(LocalSession const&) = delete;
  /// Any thread. The envelope goes to the relay as if it came over a socket.
  virtual void Send(std::string envelope) = 0;
};

/// One thread, `relay`.
class Relay {
 public:
  /// What the relay uses; all must outlive it.
  struct Parts {
    TwinCache& twins;
    FairPool& pool;  ///< checks signatures
    Clock const& clock;
  };
  /// On the relay's thread, must be quick.
  struct LocalEvents {
    std::function<void(std::string envelope)> message;
    std::function<void()> lost;  ///< another connection has the session now
  };

  /// Listens. kIo when the address is taken; kInvalid, kNotFound for a certificate it cannot use.
  /// Does not wait for its Redis: without, senders are told that messages cannot be stored.
  static Result<std::unique_ptr<Relay>> Start(RelayOptions options, Parts parts);
  /// Closes all sessions; messages queued in memory are lost. Local sessions must be gone before.
  ~Relay();
  Relay(Relay const&) = delete;
  Relay& operator=(Relay const&) = delete;

  /// Opens the session; replaces another one with the same address.
  [[nodiscard]] std::unique_ptr<LocalSession> OpenLocal(Address const& session, LocalEvents events);

  [[nodiscard]] std::uint16_t port() const;
  /// `ws://host:port`, or `wss://` with a certificate.
  [[nodiscard]] std::string url() const;

 private:
  class Impl;
  explicit Relay(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trellis::rmb
