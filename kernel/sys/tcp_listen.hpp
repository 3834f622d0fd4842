// Servers on TCP.
#pragma once

#include <trellis/result.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace trellis::sys {

/// How the errors of a listener call it.
struct ListenerName {
  std::string_view key;      ///< what to correct, as in `http.listen`
  std::string_view subject;  ///< before `cannot listen`, with its space; may be empty
};

/// Opens `acceptor` on an IP address and a port, 0 = any. kInvalid: not an address; kIo: it is
/// taken.
inline Result<void> ListenTcp(boost::asio::ip::tcp::acceptor& acceptor, std::string const& host,
                              std::uint16_t port, ListenerName name) {
  using Acceptor = boost::asio::ip::tcp::acceptor;
  boost::system::error_code error;
  auto const address = boost::asio::ip::make_address(host, error);
  if (error) return Fail(Code::kInvalid, "{}: '{}' is not an IP address", name.key, host);
  boost::asio::ip::tcp::endpoint const endpoint(address, port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(Acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
  if (error)
    return Fail(Code::kIo, "{}cannot listen on {}:{}: {}", name.subject, host, port,
                error.message());
  return {};
}

}  // namespace trellis::sys
