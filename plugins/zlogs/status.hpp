// What a streamer keeps in its state file: where it is in the log, and how it does. The plugin
// reads it.
#pragma once

#include <trellis/json.hpp>

#include <cstdint>
#include <string>

namespace trellis::plugins::zlogs {

/// A place in a log file, good across restarts of the streamer.
struct Position {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;  ///< 0 = none
  std::uint64_t offset = 0;
  std::uint64_t size = 0;        ///< of the log when last seen
  std::uint64_t copy_inode = 0;  ///< of the rotated copy that is known
  std::int64_t copy_mtime_ns = 0;
};
BOOST_DESCRIBE_STRUCT(Position, (), (device, inode, offset, size, copy_inode, copy_mtime_ns))

struct Status {
  Position position;
  std::string state;  ///< connecting|connected
  std::string error;  ///< of the last try, or what hinders the reading; without secrets
  std::uint64_t behind = 0;
  std::uint64_t bytes = 0;  ///< of the log, accepted by the peer; this and below only grow
  std::uint64_t chunks = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t dropped = 0;
};
BOOST_DESCRIBE_STRUCT(Status, (),
                      (position, state, error, behind, bytes, chunks, reconnects, dropped))

/// The file is one line of JSON, filled with blanks to this size: written in one piece.
inline constexpr std::size_t kStatusBytes = 1024;
inline constexpr std::size_t kMaxStatusError = 200;

}  // namespace trellis::plugins::zlogs
