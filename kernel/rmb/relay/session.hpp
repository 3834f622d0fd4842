// One TCP connection to the relay: an HTTP request first, then a websocket session of a twin.
#pragma once

#include "kernel/rmb/relay/queues.hpp"
#include "kernel/rmb/relay/router.hpp"

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include <memory>
#include <optional>
#include <string>

namespace trellis::rmb {

class Session;

[[nodiscard]] std::int64_t UnixNow();

/// The relay as its sessions see it. All calls on the relay's thread.
class SessionOwner {
 public:
  SessionOwner() = default;
  virtual ~SessionOwner() = default;
  SessionOwner(SessionOwner const&) = delete;
  SessionOwner& operator=(SessionOwner const&) = delete;

  [[nodiscard]] virtual RelayOptions const& options() const = 0;
  virtual TwinDirectory& twins() = 0;
  virtual Queues& queues() = 0;
  virtual RelayCounters& counters() = 0;
  [[nodiscard]] virtual std::size_t session_count() const = 0;
  /// Makes it the session of `address`; an older one is closed.
  virtual void Add(Address const& address, std::shared_ptr<Session> session) = 0;
  virtual void Remove(Address const& address, Session const* session) = 0;
  virtual Result<void> Route(Address const& from, std::string bytes, std::int64_t now) = 0;
  virtual std::string MetricsText() = 0;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  /// Reads the request and goes on by itself.
  static void Start(boost::asio::ip::tcp::socket socket, SessionOwner& owner);
  Session(boost::asio::ip::tcp::socket socket, SessionOwner& owner);

  /// Sends what is queued for this session.
  void Flush();
  void Close();

 private:
  using HttpRequest = boost::beast::http::request<boost::beast::http::string_body>;
  using HttpResponse = boost::beast::http::response<boost::beast::http::string_body>;

  void ReadRequest();
  void HandleRequest();
  void Upgrade();
  void Answer(boost::beast::http::status status, std::string text);
  void ReadMessage();
  void Sent(boost::system::error_code error);
  void Gone();

  SessionOwner& owner_;
  boost::beast::websocket::stream<boost::beast::tcp_stream> ws_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  HttpRequest request_;
  Address address_;
  bool open_ = false;  // the websocket is accepted and registered
  QueuedPtr writing_;  // the message on its way, kept in the queue until it is written
  boost::asio::steady_timer slow_;
};

}  // namespace trellis::rmb
