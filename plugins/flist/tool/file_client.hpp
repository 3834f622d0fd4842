// One client of the file server.
#pragma once

#include <string>

namespace trellis::plugins::flist {

/// Answers the requests that come over the socket `fd`, with files below `root`, until the client
/// or we have enough. The socket stays open.
void ServeClient(std::string const& root, int fd);

}  // namespace trellis::plugins::flist
