// One direction of a forwarded connection: bytes go from socket to socket
// inside the kernel.
#pragma once

#include "plugins/common/posix/files.hpp"

#include <cstddef>
#include <cstdint>

namespace trellis::plugins::gateway {

/// Not thread-safe. The sockets are borrowed and do not block.
class Pump {
 public:
  /// kExhausted when there are no descriptors for the pipe between.
  static Result<Pump> Open(int from, int to);

  /// Moves what can be moved now, and passes the end on. False when the
  /// connection is broken.
  bool Move();
  /// The source has no more.
  [[nodiscard]] bool ended() const { return ended_; }
  /// Neither has the target anything to get, and it was told so.
  [[nodiscard]] bool done() const { return done_; }
  /// Wants to read from its source / to write to its target.
  [[nodiscard]] bool wants_input() const { return !ended_ && !full_ && held_ < kCapacity; }
  [[nodiscard]] bool wants_output() const { return held_ > 0; }

 private:
  static constexpr std::size_t kCapacity = std::size_t{64} << 10;  // a pipe of the kernel

  Pump(int from, int to) : from_(from), to_(to) {}
  bool Take(bool& moved);
  bool Give(bool& moved);

  int from_;
  int to_;
  UniqueFd out_;  // of the pipe
  UniqueFd in_;
  std::size_t held_ = 0;
  bool full_ = false;  // the pipe holds few bytes in many pieces
  bool ended_ = false;
  bool done_ = false;
};

}  // namespace trellis::plugins::gateway
