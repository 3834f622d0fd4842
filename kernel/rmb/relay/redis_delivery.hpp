// Queues in Redis: they survive the relay, and relays that use the same Redis share them.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/rmb/relay/delivery.hpp"
#include "kernel/rmb/relay/options.hpp"
#include "kernel/rmb/relay/redis_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::rmb {

/// `<twin>` or `<twin>:<name>`.
[[nodiscard]] std::string SessionText(AddressView const& session);

/// Belongs to the relay's I/O thread. A message is in Redis before `done` says kQueued, and leaves
/// it once it is on the socket of its session. The mailboxes of this relay's sessions are read
/// ahead a little.
class RedisDelivery final : public Delivery {
 public:
  /// All borrowed.
  struct Parts {
    boost::asio::io_context& io;
    Queues& queues;
    RelayCounters& counters;
    Clock const& clock;
  };
  RedisDelivery(Parts parts, RedisOptions const& redis, QueueLimits const& limits);
  ~RedisDelivery() override;

  void Push(AddressView const& to, Letters message, PushOptions options, Done done) override;
  [[nodiscard]] bool can_fail() const override { return true; }
  void Opened(Mailbox& mailbox) override;
  void Closed(Address const& session) override;
  void Written(Mailbox& mailbox, Letters message) override;

 private:
  struct Session {
    Address address;
    std::string last = "-";  // id of the entry read last
    bool reading = false;
    bool news = true;               // more may be there
    std::vector<std::string> done;  // ids of entries to delete
    std::uint64_t generation = 0;   // of the session: answers to an older one are ignored
  };

  void OnConnected();
  void OnMessage(std::string const& text);
  void Read(std::string const& text);
  void ReadAll();
  void OnEntries(std::string const& text, std::uint64_t generation,
                 RedisClient::Answer const& answer);
  void SendDone(std::string const& text);
  void FlushDone();
  void Tick();
  void Renew();
  void Run(char const* script, std::vector<std::string> arguments, RedisClient::Done done);

  Parts parts_;
  RedisOptions redis_;
  QueueLimits limits_;
  std::string relay_;  // our name among the relays
  std::map<std::string, Session> sessions_;
  std::vector<std::string> done_;  // sessions with entries to delete
  std::uint64_t generation_ = 0;
  std::uint64_t ticks_ = 0;
  boost::asio::steady_timer timer_;
  RedisClient commands_;
  RedisClient listener_;
};

}  // namespace trellis::rmb
