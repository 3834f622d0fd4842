// One websocket to a chain's node, with or without TLS.
#pragma once

#include <trellis/result.hpp>

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace trellis::ledger::tfchain {

/// `ws://host[:port][/path]` or `wss://..`.
struct Url {
  bool tls = false;
  std::string host;
  std::string port;
  std::string path = "/";
};
/// kInvalid.
Result<Url> ParseUrl(std::string_view url);

/// What a connection tells; called on its io_context's thread.
struct ConnectionEvents {
  std::function<void()> open;
  std::function<void(std::string_view)> message;
  std::function<void(std::string const& why)> lost;  ///< once, the last
};

/// All calls on the io_context's thread. Destroying it closes silently.
class Connection {
 public:
  Connection() = default;
  virtual ~Connection() = default;
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;

  virtual void Send(std::string text) = 0;
};

/// Begins to connect.
std::unique_ptr<Connection> Connect(boost::asio::io_context& io, Url const& url,
                                    ConnectionEvents events);

}  // namespace trellis::ledger::tfchain
