// One client of the file server.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace trellis::plugins::flist {

/// How slow a client may be before its place goes to others.
struct ClientLimits {
  /// For a request, from the first byte waited for to the last, and for an answer beside the time
  /// that its bytes get; also the longest silence in an answer.
  std::chrono::milliseconds request{60'000};
  std::uint64_t slowest = 65'536;  ///< bytes a second at which an answer may go
};

/// Answers the requests that come over the socket `fd`, with files below `root`, until the client
/// or we have enough. The socket must not block; it stays open.
void ServeClient(std::string const& root, int fd, ClientLimits const& limits);

}  // namespace trellis::plugins::flist
