// Letters for twins of other relays: handed over by HTTP POST, retried until they expire.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/rmb/relay/options.hpp"
#include "kernel/rmb/relay/outbound.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

namespace trellis::rmb {

/// Belongs to the relay's I/O thread; all callbacks run there. The relays of a destination are
/// tried in the order of their recent failures; each set of relays has a queue of its own, so that
/// one that is away holds up no other.
class Federation final : public Outbound {
 public:
  /// Tells the sender of request `uid` that it will not arrive.
  using Report = std::function<void(Address const& sender, std::string const& uid, std::string)>;

  Federation(boost::asio::io_context& io, FederationOptions const& options, Clock const& clock,
             Report report);
  ~Federation() override;

  Result<void> Send(OutboundMessage message) override;
  /// Counters `federation_message_success{relay}` and `federation_message_error{relay}`.
  [[nodiscard]] std::string MetricsText() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared with its own deliveries under way
};

}  // namespace trellis::rmb
