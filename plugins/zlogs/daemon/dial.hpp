// TCP connections to peers.
#pragma once

#include "plugins/zlogs/daemon/sink.hpp"

#include <boost/asio/ip/tcp.hpp>

namespace trellis::plugins::zlogs {

/// To the first address of the peer that answers; all of them within the time limit.
Result<boost::asio::ip::tcp::socket> Dial(Peer const& peer);

}  // namespace trellis::plugins::zlogs
