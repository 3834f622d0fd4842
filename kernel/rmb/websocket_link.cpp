#include "kernel/rmb/websocket_link.hpp"

#include "kernel/base/clock.hpp"
#include "kernel/base/log.hpp"
#include "kernel/rmb/token.hpp"

#include <time.h>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include <mutex>
#include <optional>

namespace trellis::rmb {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kConnectTime(10);
constexpr std::chrono::seconds kIdle(40);  // a ping goes out after half of it
constexpr std::chrono::seconds kStable(10);
constexpr std::int64_t kTokenLife = 300;
constexpr std::int64_t kMaxSkew = 600;  // a token for a clock further away could be kept and abused
constexpr std::int64_t kWorthIt = 5;
constexpr std::size_t kMaxQueued = 1000;
constexpr std::size_t kMaxQueuedBytes = std::size_t{16} << 20U;

using Plain = websocket::stream<beast::tcp_stream>;
using Secure = websocket::stream<beast::ssl_stream<beast::tcp_stream>>;

std::int64_t Now() {
  return SystemClock().UnixSeconds();
}

/// The time of a `Date` header; empty when it is none.
std::optional<std::int64_t> ParseDate(std::string const& text) {
  tm parts{};
  char const* const end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return ::timegm(&parts);
}

/// What is to be written, shared by all threads that send and the one that writes.
class Outgo {
 public:
  [[nodiscard]] bool Push(Parcel& parcel, bool& first) {
    std::lock_guard const lock(mutex_);
    if (!open_ || queue_.size() >= kMaxQueued || bytes_ >= kMaxQueuedBytes) return false;
    first = queue_.empty();
    bytes_ += parcel.bytes.size();
    queue_.push_back(std::move(parcel));
    return true;
  }
  void Open() {
    std::lock_guard const lock(mutex_);
    open_ = true;
  }
  /// What was not written.
  [[nodiscard]] std::deque<Parcel> Close() {
    std::lock_guard const lock(mutex_);
    open_ = false;
    bytes_ = 0;
    return std::exchange(queue_, {});
  }
  /// Stays valid until Pop or Close.
  [[nodiscard]] std::string const* Front() {
    std::lock_guard const lock(mutex_);
    return queue_.empty() ? nullptr : &queue_.front().bytes;
  }
  /// True: nothing waits any more.
  [[nodiscard]] bool Pop() {
    std::lock_guard const lock(mutex_);
    if (queue_.empty()) return true;
    bytes_ -= queue_.front().bytes.size();
    queue_.pop_front();
    return queue_.empty();
  }

 private:
  std::mutex mutex_;  // guards everything below
  std::deque<Parcel> queue_;
  std::size_t bytes_ = 0;
  bool open_ = false;
};

/// Lives on the peer's thread, but for the outgo. Shared with its own operations under way.
class Channel : public std::enable_shared_from_this<Channel> {
 public:
  Channel(asio::io_context& io, RelayUrl url, Identity const& identity)
      : io_(io), url_(std::move(url)), identity_(identity), pause_(io) {
    error_code ignored;  // without authorities no wss relay is accepted; the error says so then
    tls_.set_default_verify_paths(ignored);
    tls_.set_verify_mode(asio::ssl::verify_peer, ignored);
  }

  void Start(LinkEvents events) {
    events_ = std::move(events);
    asio::co_spawn(
        io_, [self = shared_from_this()] { return self->Run(); }, asio::detached);
  }
  void Stop() {
    stopped_ = true;
    pause_.cancel();
    if (close_) close_();
  }
  [[nodiscard]] bool TrySend(Parcel& parcel) {
    bool first = false;
    if (!outgo_.Push(parcel, first)) return false;
    if (first) asio::post(io_, [self = shared_from_this()] { self->Flush(); });
    return true;
  }

 private:
  asio::awaitable<void> Run();
  template <class Socket>
  asio::awaitable<void> Serve(std::shared_ptr<Socket> socket);
  template <class Socket>
  asio::awaitable<void> Read(std::shared_ptr<Socket> socket);
  template <class Socket>
  void Write(std::shared_ptr<Socket> socket);
  template <class Socket>
  asio::awaitable<void> Handshake(Socket& socket);
  asio::awaitable<void> Connect(beast::tcp_stream& stream);
  std::string Target() const;
  void LearnSkew(websocket::response_type const& response);
  void Flush() {
    if (write_ && !writing_) write_();
  }

  asio::io_context& io_;
  RelayUrl url_;
  Identity identity_;
  LinkEvents events_;
  asio::ssl::context tls_{asio::ssl::context::tls_client};
  asio::steady_timer pause_;
  Backoff backoff_;
  Outgo outgo_;
  std::function<void()> write_;  // while connected
  std::function<void()> close_;  // while there is a socket
  std::int64_t skew_ = 0;        // of the relay's clock, seconds
  std::uint64_t epoch_ = 0;      // which connection this is
  bool connected_ = false;
  bool writing_ = false;
  bool stopped_ = false;
};

asio::awaitable<void> Channel::Run() {
  while (!stopped_) {
    auto const begun = std::chrono::steady_clock::now();
    std::string why = "closed by the relay";
    try {
      if (url_.tls) {
        co_await Serve(std::make_shared<Secure>(io_, tls_));
      } else {
        co_await Serve(std::make_shared<Plain>(io_));
      }
    } catch (boost::system::system_error const& error) {
      why = error.code().message();
    }
    if (close_) close_();
    write_ = nullptr;
    close_ = nullptr;
    writing_ = false;
    ++epoch_;
    if (stopped_) break;
    bool const was_connected = std::exchange(connected_, false);
    if (std::chrono::steady_clock::now() - begun > kStable) backoff_.Reset();
    log::Debug("relay is away, retrying", {{"relay", url_.domain()}, {"reason", why}});
    auto unsent = outgo_.Close();
    if (was_connected)
      log::Warn("the connection to a relay was lost, retrying",
                {{"relay", url_.domain()}, {"reason", why}});
    if (was_connected) events_.lost(std::move(unsent));
    pause_.expires_after(backoff_.Next());
    error_code ended;  // Stop cancels it
    co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  }
}

asio::awaitable<void> Channel::Connect(beast::tcp_stream& stream) {
  tcp::resolver resolver(io_);
  auto const found = co_await resolver.async_resolve(url_.host, url_.port, asio::use_awaitable);
  stream.expires_after(kConnectTime);
  co_await stream.async_connect(found, asio::use_awaitable);
  stream.socket().set_option(tcp::no_delay(true));
}

std::string Channel::Target() const {
  TokenClaims claims;
  claims.sub = identity_.twin;
  claims.iat = Now() + skew_;
  claims.exp = claims.iat + kTokenLife;
  claims.sid = identity_.session;
  return url_.path + "?" + MakeToken(claims, identity_.signer);
}

/// The relay refused us: does its clock say why?
void Channel::LearnSkew(websocket::response_type const& response) {
  if (response.result() != boost::beast::http::status::unauthorized) return;
  auto const text = response[boost::beast::http::field::date];
  auto const date = ParseDate(std::string(text.data(), text.size()));
  if (!date.has_value()) return;
  auto const skew = *date - Now();
  if (std::abs(skew) < kWorthIt) return;
  log::Warn("the relay's clock differs from ours",
            {{"relay", url_.domain()}, {"seconds", skew}, {"limit", kMaxSkew}});
  if (std::abs(skew) <= kMaxSkew) skew_ = skew;
}

template <class Socket>
asio::awaitable<void> Channel::Handshake(Socket& socket) {
  if constexpr (std::is_same_v<Socket, Secure>) {
    auto name = url_.host;  // OpenSSL wants it without const
    (void)::SSL_ctrl(socket.next_layer().native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME,
                     TLSEXT_NAMETYPE_host_name, name.data());
    socket.next_layer().set_verify_callback(asio::ssl::host_name_verification(url_.host));
    co_await socket.next_layer().async_handshake(asio::ssl::stream_base::client,
                                                 asio::use_awaitable);
  }
  beast::get_lowest_layer(socket).expires_never();
  websocket::stream_base::timeout timeout{};
  timeout.handshake_timeout = kConnectTime;
  timeout.idle_timeout = kIdle;
  timeout.keep_alive_pings = true;
  socket.set_option(timeout);
  socket.read_message_max(kMaxMessage);
  socket.binary(true);
  websocket::response_type response;
  error_code error;
  co_await socket.async_handshake(response, url_.domain(), Target(),
                                  asio::redirect_error(asio::use_awaitable, error));
  if (error) LearnSkew(response);
  if (error) throw boost::system::system_error(error);
}

template <class Socket>
asio::awaitable<void> Channel::Serve(std::shared_ptr<Socket> socket) {
  close_ = [weak = std::weak_ptr(socket)] {
    error_code ignored;  // it ends either way
    if (auto const open = weak.lock()) beast::get_lowest_layer(*open).socket().close(ignored);
  };
  co_await Connect(beast::get_lowest_layer(*socket));
  co_await Handshake(*socket);
  if (stopped_) co_return;
  write_ = [this, weak = std::weak_ptr(socket)] {
    if (auto const open = weak.lock()) Write(open);
  };
  connected_ = true;
  outgo_.Open();
  events_.ready();
  co_await Read(socket);
}

template <class Socket>
asio::awaitable<void> Channel::Read(std::shared_ptr<Socket> socket) {
  beast::flat_buffer buffer;
  while (!stopped_) {
    co_await socket->async_read(buffer, asio::use_awaitable);
    if (stopped_) co_return;
    std::string bytes(static_cast<char const*>(buffer.data().data()), buffer.data().size());
    buffer.consume(buffer.size());
    constexpr std::size_t kKeep = std::size_t{1} << 20U;
    if (buffer.capacity() > kKeep) buffer = {};
    if (socket->got_binary()) events_.message(std::move(bytes));
  }
}

template <class Socket>
void Channel::Write(std::shared_ptr<Socket> socket) {
  auto const* const bytes = outgo_.Front();
  if (bytes == nullptr) return;
  writing_ = true;
  // A copy: when the connection is lost meanwhile, the parcel goes back, and perhaps elsewhere.
  auto const copy = std::make_shared<std::string const>(*bytes);
  auto const epoch = epoch_;
  socket->async_write(asio::buffer(*copy), [self = shared_from_this(), socket, copy, epoch](
                                               error_code error, std::size_t) {
    if (error || epoch != self->epoch_) return;  // the reader sees it too, and cleans up
    self->writing_ = false;
    bool const empty = self->outgo_.Pop();
    if (!empty) return self->Flush();
    if (!self->stopped_) self->events_.ready();
  });
}

class WebSocketLinkOf final : public Link {
 public:
  WebSocketLinkOf(asio::io_context& io, RelayUrl const& url, Identity const& identity)
      : channel_(std::make_shared<Channel>(io, url, identity)) {}
  [[nodiscard]] bool TrySend(Parcel& parcel) override { return channel_->TrySend(parcel); }
  void Start(LinkEvents events) override { channel_->Start(std::move(events)); }
  void Stop() override { channel_->Stop(); }

 private:
  std::shared_ptr<Channel> channel_;  // shared with its operations under way
};

}  // namespace

std::string RelayUrl::domain() const {
  bool const usual = port == (tls ? "443" : "80");
  auto const name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return usual ? name : name + ":" + port;
}

Result<RelayUrl> ParseRelayUrl(std::string_view url) {
  RelayUrl out;
  auto rest = url;
  out.tls = rest.starts_with("wss://");
  if (!out.tls && !rest.starts_with("ws://"))
    return Fail(Code::kInvalid, "relay url '{}': expected ws://host:port or wss://host", url);
  rest.remove_prefix(rest.find("//") + 2);
  auto const slash = std::min(rest.find('/'), rest.size());
  if (slash < rest.size()) out.path = rest.substr(slash);
  auto const authority = rest.substr(0, slash);
  auto const colon = authority.rfind(':');
  bool const has_port =
      colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  out.host = has_port ? authority.substr(0, colon) : authority;
  out.port = has_port ? authority.substr(colon + 1) : (out.tls ? "443" : "80");
  if (out.host.starts_with('[') && out.host.ends_with(']'))
    out.host = out.host.substr(1, out.host.size() - 2);
  bool const bad = out.host.empty() || out.port.empty() ||
                   out.port.find_first_not_of("0123456789") != std::string::npos ||
                   out.path.find_first_of("? #") != std::string::npos;
  if (bad) return Fail(Code::kInvalid, "relay url '{}': expected ws[s]://host[:port]", url);
  return out;
}

LinkMaker WebSocketLink(RelayUrl url, Identity const& identity) {
  return [url = std::move(url), identity](asio::io_context& io) {
    return std::make_unique<WebSocketLinkOf>(io, url, identity);
  };
}

}  // namespace trellis::rmb
