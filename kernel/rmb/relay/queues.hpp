// Messages waiting for sessions: bounded in number, bytes and age, also for sessions that are not
// connected.
#pragma once

#include "kernel/rmb/envelope.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

namespace trellis::rmb {

/// One message on its way; shared by queue and socket write.
struct QueuedMessage {
  std::string bytes;
  std::int64_t expires = 0;  ///< unix seconds
};
using QueuedPtr = std::shared_ptr<QueuedMessage const>;

struct QueueLimits {
  std::size_t messages = 10000;
  std::size_t session_bytes = std::size_t{64} << 20;
  std::size_t total_bytes = std::size_t{1} << 30;
  std::int64_t ttl_s = 3600;  ///< of a whole queue after its last push
};

/// Not thread-safe: belongs to the relay's I/O thread.
class Queues {
 public:
  explicit Queues(QueueLimits const& limits) : limits_(limits) {}

  /// Appends; drops the oldest above the limits.
  void Push(Address const& session, QueuedPtr message, std::int64_t now);
  /// The oldest message that has not expired, or null.
  [[nodiscard]] QueuedPtr Front(Address const& session, std::int64_t now);
  /// Removes the front after it was written.
  void Pop(Address const& session, QueuedPtr const& written);
  /// Removes queues without a push for `ttl_s`.
  void Sweep(std::int64_t now);
  [[nodiscard]] std::size_t total_bytes() const { return total_bytes_; }

 private:
  struct Queue {
    std::deque<QueuedPtr> messages;
    std::size_t bytes = 0;
    std::int64_t last_push = 0;
  };
  void DropFront(Queue& queue);

  QueueLimits limits_;
  std::map<Address, Queue> queues_;
  std::size_t total_bytes_ = 0;
};

}  // namespace trellis::rmb
