#include "kernel/ledger/tfchain/connection.hpp"

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include <chrono>
#include <deque>

namespace trellis::ledger::tfchain {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

constexpr std::chrono::seconds kConnectTime(10);
constexpr std::chrono::seconds kSilence(60);  // pings go out after half of it
constexpr std::size_t kMaxMessage = std::size_t{32} << 20U;
constexpr std::size_t kMaxUnsent = std::size_t{16} << 20U;

/// The socket's work, shared by the handlers in flight; `events` is empty once nobody listens.
template <class Stream>
class Link : public std::enable_shared_from_this<Link<Stream>> {
 public:
  template <class... Args>
  Link(asio::io_context& io, Url url, ConnectionEvents events, Args&&... args)
      : url_(std::move(url)),
        events_(std::move(events)),
        resolver_(io),
        ws_(io, std::forward<Args>(args)...) {}

  void Start() {
    resolver_.async_resolve(
        url_.host, url_.port,
        [self = this->shared_from_this()](error_code error, tcp::resolver::results_type found) {
          if (error) return self->Lost(error.message());
          auto& lowest = beast::get_lowest_layer(self->ws_);
          lowest.expires_after(kConnectTime);
          lowest.async_connect(found, [self](error_code failed, tcp::endpoint const&) {
            if (failed) return self->Lost(failed.message());
            self->Secure();
          });
        });
  }

  void Send(std::string text) {
    if (!open_) return;
    unsent_bytes_ += text.size();
    unsent_.push_back(std::move(text));
    if (unsent_bytes_ > kMaxUnsent) return Lost("the node does not read");
    if (unsent_.size() == 1) Write();
  }

  void Abandon() {
    events_ = {};
    Close();
  }

 private:
  void Secure() {
    if constexpr (std::is_same_v<Stream, beast::tcp_stream>) {
      Upgrade();
    } else {
      auto& tls = ws_.next_layer();
      // SSL_set_tlsext_host_name, which is a macro with C casts.
      if (SSL_ctrl(tls.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                   url_.host.data()) != 1)
        return Lost("cannot name the host to TLS");
      tls.set_verify_callback(asio::ssl::host_name_verification(url_.host));
      tls.async_handshake(asio::ssl::stream_base::client,
                          [self = this->shared_from_this()](error_code error) {
                            if (error) return self->Lost(error.message());
                            self->Upgrade();
                          });
    }
  }
  void Upgrade() {
    auto& lowest = beast::get_lowest_layer(ws_);
    error_code ignored;
    lowest.socket().set_option(tcp::no_delay(true), ignored);
    lowest.expires_never();
    websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = kConnectTime;
    timeout.idle_timeout = kSilence;
    timeout.keep_alive_pings = true;
    ws_.set_option(timeout);
    ws_.read_message_max(kMaxMessage);
    ws_.text(true);
    ws_.async_handshake(url_.host + ":" + url_.port, url_.path,
                        [self = this->shared_from_this()](error_code error) {
                          if (error) return self->Lost(error.message());
                          self->open_ = true;
                          if (self->events_.open) self->events_.open();
                          self->Read();
                        });
  }
  void Read() {
    ws_.async_read(buffer_, [self = this->shared_from_this()](error_code error, std::size_t) {
      if (error) return self->Lost(error.message());
      auto const data = self->buffer_.data();
      if (self->events_.message)
        self->events_.message({static_cast<char const*>(data.data()), data.size()});
      self->buffer_.consume(self->buffer_.size());
      if (self->open_) self->Read();
    });
  }
  void Write() {
    ws_.async_write(asio::buffer(unsent_.front()),
                    [self = this->shared_from_this()](error_code error, std::size_t) {
                      if (error) return self->Lost(error.message());
                      self->unsent_bytes_ -= self->unsent_.front().size();
                      self->unsent_.pop_front();
                      if (!self->unsent_.empty()) self->Write();
                    });
  }
  void Lost(std::string const& why) {
    auto const lost = std::move(events_.lost);
    events_ = {};
    Close();
    if (lost) lost(why);
  }
  void Close() {
    open_ = false;
    resolver_.cancel();
    error_code ignored;
    beast::get_lowest_layer(ws_).socket().close(ignored);
  }

  Url url_;
  ConnectionEvents events_;
  tcp::resolver resolver_;
  websocket::stream<Stream> ws_;
  beast::flat_buffer buffer_;
  bool open_ = false;
  std::deque<std::string> unsent_;  // the first is being written
  std::size_t unsent_bytes_ = 0;
};

template <class Stream>
class LinkedConnection final : public Connection {
 public:
  explicit LinkedConnection(std::shared_ptr<Link<Stream>> link) : link_(std::move(link)) {
    link_->Start();
  }
  ~LinkedConnection() override { link_->Abandon(); }
  void Send(std::string text) override { link_->Send(std::move(text)); }

 private:
  std::shared_ptr<Link<Stream>> link_;  // shared with the handlers in flight
};

/// One for the process: certificates are read once.
asio::ssl::context& TlsContext() {
  static asio::ssl::context context = [] {
    asio::ssl::context made(asio::ssl::context::tls_client);
    made.set_default_verify_paths();
    made.set_verify_mode(asio::ssl::verify_peer);
    return made;
  }();
  return context;
}

}  // namespace

Result<Url> ParseUrl(std::string_view url) {
  Url parsed;
  auto rest = url;
  if (rest.starts_with("wss://")) {
    parsed.tls = true;
    rest.remove_prefix(6);
  } else if (rest.starts_with("ws://")) {
    rest.remove_prefix(5);
  } else {
    return Fail(Code::kInvalid, "'{}' is not ws://host:port or wss://host", url);
  }
  auto const slash = std::min(rest.find('/'), rest.size());
  if (slash < rest.size()) parsed.path = std::string(rest.substr(slash));
  rest = rest.substr(0, slash);
  auto const colon = rest.rfind(':');
  bool const port =
      colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos;
  parsed.port = port ? std::string(rest.substr(colon + 1)) : (parsed.tls ? "443" : "80");
  if (port) rest = rest.substr(0, colon);
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  parsed.host = std::string(rest);
  if (parsed.host.empty()) return Fail(Code::kInvalid, "'{}' names no host", url);
  return parsed;
}

std::unique_ptr<Connection> Connect(asio::io_context& io, Url const& url, ConnectionEvents events) {
  using Plain = beast::tcp_stream;
  using Tls = beast::ssl_stream<beast::tcp_stream>;
  if (url.tls) {
    return std::make_unique<LinkedConnection<Tls>>(
        std::make_shared<Link<Tls>>(io, url, std::move(events), TlsContext()));
  }
  return std::make_unique<LinkedConnection<Plain>>(
      std::make_shared<Link<Plain>>(io, url, std::move(events)));
}

}  // namespace trellis::ledger::tfchain
