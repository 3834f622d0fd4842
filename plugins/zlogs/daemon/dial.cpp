#include "plugins/zlogs/daemon/dial.hpp"

#include "plugins/zlogs/daemon/resolver.hpp"

#include <boost/asio/ip/address.hpp>

namespace trellis::plugins::zlogs {

using boost::asio::ip::tcp;
using boost::system::error_code;

Result<tcp::socket> Dial(Peer const& peer) {
  auto& loop = *peer.loop;
  TRELLIS_TRY(auto const addresses, Resolve(peer.output->host, peer.settings->nameservers));
  auto const end = Loop::Clock::now() + std::chrono::seconds(peer.settings->connect_timeout_s);
  Error last{Code::kUnavailable, "connect: no address"};
  for (auto const& text : addresses) {
    error_code bad;
    auto const address = boost::asio::ip::make_address(text, bad);
    if (bad) continue;
    auto const left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - Loop::Clock::now());
    if (left.count() <= 0) break;
    tcp::socket socket(loop.io());
    auto const connected = loop.Await(
        "connect", left,
        [&](Loop::Handler const& done) {
          socket.async_connect({address, peer.output->port}, done);
        },
        [&socket] {
          error_code ignored;
          socket.close(ignored);
        });
    if (connected) {
      socket.set_option(tcp::no_delay(true), bad);
      return socket;
    }
    last = connected.error();
    if (loop.stopping()) break;
  }
  return tl::unexpected<Error>(std::move(last));
}

}  // namespace trellis::plugins::zlogs
