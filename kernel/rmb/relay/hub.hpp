// What all connections of a relay share.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/rmb/fair_pool.hpp"
#include "kernel/rmb/relay/inbound.hpp"
#include "kernel/rmb/relay/options.hpp"
#include "kernel/rmb/relay/queues.hpp"
#include "kernel/rmb/relay/router.hpp"
#include "kernel/rmb/twin_cache.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace trellis::rmb {

class Connection;

/// Place of a connection in the hub's lists; leaves them by itself.
struct Tracked
    : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
};

/// Belongs to the relay's I/O thread.
class Hub {
 public:
  struct Parts {
    RelayOptions const& options;
    std::shared_ptr<boost::asio::io_context> io;  // shared with answers that come later
    TwinCache& twins;
    FairPool& pool;
    Queues& queues;
    Router& router;
    Delivery& delivery;
    Inbound& inbound;
    RelayCounters& counters;
    Clock const& clock;
    std::function<std::string()> metrics;
    std::function<void()> keep_time;  ///< there is something that can grow old
  };
  /// Bytes read at once; also what all messages that are not complete may hold together.
  static constexpr std::size_t kScratch = std::size_t{64} << 10U;
  static constexpr std::size_t kMaxHeld = std::size_t{256} << 20U;
  /// Connections that have not shown a token yet.
  static constexpr std::size_t kMaxStrangers = 1024;

  explicit Hub(Parts parts) : parts_(std::move(parts)) {}
  ~Hub();
  Hub(Hub const&) = delete;
  Hub& operator=(Hub const&) = delete;

  [[nodiscard]] Parts& parts() { return parts_; }
  [[nodiscard]] std::array<char, kScratch>& scratch() { return *scratch_; }
  [[nodiscard]] std::int64_t now() const { return parts_.clock.UnixSeconds(); }

  /// A new connection. Above kMaxStrangers the oldest one without a session goes.
  void Add(Connection& connection);
  /// May twin have one more session? When all places are taken, a twin that holds many more than
  /// this one gives one up.
  [[nodiscard]] bool Admit(std::uint32_t twin);
  /// The connection became a session of the twin / stopped being one.
  void SessionOpened(Connection& connection, std::uint32_t twin);
  void SessionClosed(std::uint32_t twin);
  /// A reader lost the session: the delivery hears of it, unless another reads it by now.
  void TellUnread(Address const& session);
  /// The connection ended without having been a session.
  void StrangerLeft() { --stranger_count_; }
  /// The connection has something to write: it is asked to once what is being read is done.
  void MarkDirty(std::shared_ptr<Connection> connection);
  /// A connection holds so many bytes of incomplete messages more or less. Above kMaxHeld the one
  /// that holds most is closed.
  void Hold(std::size_t before, std::size_t after);
  /// Looks for connections whose time is over.
  void Sweep();
  void CloseAll();

  [[nodiscard]] std::size_t session_count() const { return session_count_; }
  [[nodiscard]] bool idle() const { return session_count_ + stranger_count_ == 0; }

 private:
  using Tracks = boost::intrusive::list<Tracked, boost::intrusive::constant_time_size<false>>;
  void CloseLargest();
  void FlushDirty();

  Parts parts_;
  std::unique_ptr<std::array<char, kScratch>> scratch_ =
      std::make_unique<std::array<char, kScratch>>();
  std::vector<std::shared_ptr<Connection>> dirty_;
  std::unordered_map<std::uint32_t, std::size_t> sessions_of_;  // by twin
  Tracks strangers_;                                            // oldest first
  Tracks sessions_;                                             // oldest first
  std::size_t stranger_count_ = 0;
  std::size_t session_count_ = 0;
  std::size_t held_ = 0;
};

}  // namespace trellis::rmb
