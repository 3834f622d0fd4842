// Where the relay puts messages: the queue of their destination, here or in a store that several
// relays share.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/rmb/relay/options.hpp"
#include "kernel/rmb/relay/queues.hpp"

#include <cstdint>
#include <functional>

namespace trellis::rmb {

enum class Pushed : std::uint8_t {
  kQueued,
  kOffline,  ///< it was to fail fast, and nobody reads the queue
  kFailed    ///< the store is away
};

struct PushOptions {
  bool fail_fast = false;
};

/// Belongs to the relay's I/O thread.
class Delivery {
 public:
  /// At most once, on the relay's thread, perhaps before Push returns. May be empty.
  using Done = std::function<void(Pushed)>;

  Delivery() = default;
  virtual ~Delivery() = default;
  Delivery(Delivery const&) = delete;
  Delivery& operator=(Delivery const&) = delete;

  /// One message.
  virtual void Push(AddressView const& to, Letters message, PushOptions options, Done done) = 0;
  /// Can a push without fail_fast end in anything but kQueued?
  [[nodiscard]] virtual bool can_fail() const = 0;
  /// A session is read from now on / is not read any more.
  virtual void Opened(Mailbox& mailbox) = 0;
  virtual void Closed(Address const& session) = 0;
  /// A message was written to the session's socket.
  virtual void Written(Mailbox& mailbox, Letters message) = 0;
};

/// Queues in memory, lost with the relay.
class MemoryDelivery final : public Delivery {
 public:
  MemoryDelivery(Queues& queues, RelayCounters& counters, Clock const& clock)
      : queues_(queues), counters_(counters), clock_(clock) {}

  void Push(AddressView const& to, Letters message, PushOptions options, Done done) override {
    if (options.fail_fast) {
      auto const* mailbox = queues_.Find(to);
      if (mailbox == nullptr || mailbox->reader == nullptr) {
        if (done) done(Pushed::kOffline);
        return;
      }
    }
    ++counters_.rx;
    counters_.rx_bytes += message.front().bytes.size();
    queues_.Push(to, std::move(message), clock_.UnixSeconds());
    if (done) done(Pushed::kQueued);
  }
  [[nodiscard]] bool can_fail() const override { return false; }
  void Opened(Mailbox& /*mailbox*/) override {}
  void Closed(Address const& /*session*/) override {}
  void Written(Mailbox& /*mailbox*/, Letters /*message*/) override {}

 private:
  Queues& queues_;
  RelayCounters& counters_;
  Clock const& clock_;
};

}  // namespace trellis::rmb
