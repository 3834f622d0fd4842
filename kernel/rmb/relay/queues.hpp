// Letters waiting for sessions: one mailbox a session, also for sessions that are not connected;
// bounded in number, bytes and age.
#pragma once

#include "kernel/rmb/envelope_view.hpp"

#include <boost/intrusive/list.hpp>

#include <array>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace trellis::rmb {

/// One message on its way.
struct Letter {
  std::string bytes;         ///< the envelope as received
  std::int64_t expires = 0;  ///< unix seconds
  std::uint32_t source = 0;  ///< twin that sent it
  std::string entry;         ///< its name in the shared store; "" = only here
};
/// A list, so that a message moves from hand to hand without a copy.
using Letters = std::list<Letter>;

/// Why a reader lost its mailbox.
enum class Loss : std::uint8_t { kReplaced, kTooSlow };

/// The connection that reads a mailbox.
class Reader {
 public:
  Reader() = default;
  virtual ~Reader() = default;
  Reader(Reader const&) = delete;
  Reader& operator=(Reader const&) = delete;
  /// There is something in the mailbox. Must not touch the queues before it returns.
  virtual void Wake() = 0;
  /// The mailbox is not its own any more. Must not touch the queues before it returns.
  virtual void Lost(Loss loss) = 0;
};

struct QueueLimits {
  std::size_t messages = 10000;
  std::size_t session_bytes = std::size_t{64} << 20U;
  std::size_t total_bytes = std::size_t{1} << 30U;
  std::int64_t ttl_s = 3600;  ///< of a whole queue after its last push
};

/// What counts for one message beside its bytes: its node, and the mailbox it may keep alive.
inline constexpr std::size_t kMessageOverhead = 256;

/// Filled by Queues, read by its session.
struct Mailbox : boost::intrusive::list_base_hook<> {
  Address session;
  Reader* reader = nullptr;
  Letters messages;
  std::size_t bytes = 0;  ///< with overhead
  std::int64_t last_push = 0;
  std::size_t front_sent = 0;  ///< bytes of the first message that are on the socket already
  bool mixed = false;          ///< holds, or held, messages of several twins
};

/// Not thread-safe: belongs to the relay's I/O thread.
class Queues {
 public:
  explicit Queues(QueueLimits const& limits) : limits_(limits) {}
  ~Queues();
  Queues(Queues const&) = delete;
  Queues& operator=(Queues const&) = delete;

  /// The mailbox of a session that is there or has messages; null otherwise.
  [[nodiscard]] Mailbox* Find(AddressView const& session);
  /// Makes `reader` the session's reader; the one before loses it.
  Mailbox& Open(Address const& session, Reader& reader);
  /// The reader is gone; a message that was sent in part is sent again to the next.
  void Close(Mailbox& mailbox);
  /// Appends the messages; drops the oldest above the limits, of the twin that fills the queue.
  /// Wakes the reader.
  void Push(AddressView const& session, Letters messages, std::int64_t now);
  /// The oldest message that has not expired, or null.
  [[nodiscard]] Letter* Front(Mailbox& mailbox, std::int64_t now);
  /// Takes the first message out.
  Letters Pop(Mailbox& mailbox);
  /// Removes what came from the shared store: another relay may read it now.
  void DropStored(AddressView const& session);
  /// Names of entries of the shared store that expired in a mailbox, by session.
  [[nodiscard]] std::vector<std::pair<Address, std::string>> TakeExpired() {
    return std::exchange(expired_, {});
  }
  /// The reader loses the session to another relay.
  void Evict(AddressView const& session);
  /// Removes queues without a push for `ttl_s`.
  void Sweep(std::int64_t now);

  [[nodiscard]] std::size_t total_bytes() const { return total_bytes_; }
  [[nodiscard]] std::size_t size() const { return boxes_.size(); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(Address const& address) const;
    std::size_t operator()(AddressView const& address) const;
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(Address const& a, Address const& b) const { return a == b; }
    bool operator()(AddressView const& a, Address const& b) const { return a == b; }
    bool operator()(Address const& a, AddressView const& b) const { return b == a; }
  };
  using Boxes = std::unordered_map<Address, Mailbox, Hash, Equal>;
  static constexpr std::size_t kClasses = 65;  // mailboxes by the number of bits of their size

  Mailbox& Ensure(AddressView const& session);
  void Resize(Mailbox& mailbox, std::size_t bytes);
  Letters::iterator Remove(Mailbox& mailbox, Letters::iterator message);
  void Shrink(Mailbox& mailbox, std::size_t messages, std::size_t bytes);
  void DropOldest(Mailbox& mailbox);
  void EraseIfUnused(Mailbox& mailbox);

  QueueLimits limits_;
  Boxes boxes_;
  std::array<boost::intrusive::list<Mailbox>, kClasses> by_size_;  // those that hold something
  std::size_t total_bytes_ = 0;
  std::uint64_t dropped_ = 0;
  std::vector<std::pair<Address, std::string>> expired_;
};

}  // namespace trellis::rmb
