// Chunks as messages of a websocket, ws or wss.
#include "plugins/zlogs/daemon/dial.hpp"
#include "plugins/zlogs/daemon/sink.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include <optional>
#include <type_traits>

namespace trellis::plugins::zlogs {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;
using std::chrono::seconds;

using Plain = websocket::stream<beast::tcp_stream>;
using Secure = websocket::stream<beast::ssl_stream<beast::tcp_stream>>;

constexpr std::size_t kMaxIncoming = 65536;  // nothing of it is used
constexpr seconds kHandshake{10};
constexpr seconds kPongTime{10};  // silence for so long after a ping is the end

std::string BasicAuthorization(Output const& output) {
  std::string const text = output.user + ":" + output.password;
  std::string encoded(beast::detail::base64::encoded_size(text.size()), '\0');
  encoded.resize(beast::detail::base64::encode(encoded.data(), text.data(), text.size()));
  return "Basic " + encoded;
}

bool IsAddress(std::string const& host) {
  error_code no;
  asio::ip::make_address(host, no);
  return !no;
}

/// What peers are trusted by.
Result<void> Trust(asio::ssl::context& tls, Settings const& settings, std::string const& host) {
  error_code failed;
  tls.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                  asio::ssl::context::no_tlsv1_1);
  if (!settings.tls_verify) {
    tls.set_verify_mode(asio::ssl::verify_none, failed);
    return {};
  }
  tls.set_default_verify_paths(failed);
  if (!settings.ca_file.empty()) {
    tls.load_verify_file(settings.ca_file, failed);
    if (failed)
      return Fail(Code::kInvalid, "authorities of '{}': {}", settings.ca_file, failed.message());
  }
  tls.set_verify_mode(asio::ssl::verify_peer, failed);
  tls.set_verify_callback(asio::ssl::host_name_verification(host), failed);
  return {};
}

template <class Stream>
class WebsocketSink final : public Sink {
 public:
  template <class... Arguments>
  explicit WebsocketSink(Peer const& peer, Arguments&&... arguments)
      : peer_(peer), stream_(std::forward<Arguments>(arguments)...) {}
  ~WebsocketSink() override {
    Close();
    while (reading_ || pinging_)  // their handlers use this object
      peer_.loop->io().run_one();
  }
  WebsocketSink(WebsocketSink const&) = delete;
  WebsocketSink& operator=(WebsocketSink const&) = delete;
  WebsocketSink(WebsocketSink&&) = delete;
  WebsocketSink& operator=(WebsocketSink&&) = delete;

  Result<void> SecureIt();
  Result<void> Open();
  Result<void> Send(std::string_view chunk, Payload payload) override;
  Result<void> Idle() override;
  [[nodiscard]] bool broken() const override { return failed_.has_value(); }

 private:
  void Close() {
    error_code ignored;
    beast::get_lowest_layer(stream_).socket().close(ignored);
    if (peer_.loop->io().stopped()) peer_.loop->io().restart();
  }
  void Listen();
  Result<void> Await(std::string_view what, seconds limit,
                     std::function<void(Loop::Handler)> const& start) {
    return peer_.loop->Await(what, limit, start, [this] { Close(); });
  }
  void Heard() { heard_ = Loop::Clock::now(); }
  void Ping() {
    pinged_ = Loop::Clock::now();
    pinging_ = true;
    pong_.reset();
    stream_.async_ping(websocket::ping_data(std::to_string(++ping_)),
                       [this](error_code) { pinging_ = false; });
  }

  Peer peer_;
  Stream stream_;
  beast::flat_buffer incoming_{kMaxIncoming};
  bool reading_ = false;
  bool pinging_ = false;
  std::uint64_t ping_ = 0;
  std::optional<std::string> pong_;  // payload of the last one
  std::optional<Error> failed_;
  Loop::Clock::time_point heard_ = Loop::Clock::now();
  Loop::Clock::time_point pinged_ = Loop::Clock::now();
};

template <class Stream>
Result<void> WebsocketSink<Stream>::SecureIt() {
  if constexpr (std::is_same_v<Stream, Secure>) {
    auto& tls = stream_.next_layer();
    auto const& host = peer_.output->host;
    // The macro for it casts in a way that is not ours.
    auto* const name = const_cast<char*>(host.c_str());  // NOLINT: copied
    if (!IsAddress(host) && ::SSL_ctrl(tls.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME,
                                       TLSEXT_NAMETYPE_host_name, name) != 1)
      return Fail(Code::kInvalid, "tls: '{}' is no name of a server", host);
    return Await("tls", kHandshake, [&tls](Loop::Handler const& done) {
      tls.async_handshake(asio::ssl::stream_base::client, done);
    });
  }
  return {};
}

template <class Stream>
Result<void> WebsocketSink<Stream>::Open() {
  TRELLIS_CHECK(SecureIt());
  auto const& output = *peer_.output;
  websocket::stream_base::timeout times{};
  times.handshake_timeout = websocket::stream_base::none();
  times.idle_timeout = websocket::stream_base::none();
  stream_.set_option(times);
  stream_.set_option(websocket::stream_base::decorator([&output](websocket::request_type& request) {
    request.set(beast::http::field::user_agent, "trellis-logstream");
    if (!output.user.empty() || !output.password.empty())
      request.set(beast::http::field::authorization, BasicAuthorization(output));
  }));
  stream_.auto_fragment(false);
  stream_.read_message_max(kMaxIncoming);
  stream_.control_callback([this](websocket::frame_type kind, beast::string_view payload) {
    Heard();
    if (kind == websocket::frame_type::pong) pong_ = std::string(payload);
  });
  websocket::response_type answer;
  auto const done = Await("websocket", kHandshake, [&](Loop::Handler const& handler) {
    stream_.async_handshake(answer, output.Authority(), output.target, handler);
  });
  if (!done && answer.result_int() >= 300)
    return Fail(Code::kIo, "the peer answers HTTP {}", answer.result_int());
  TRELLIS_CHECK(done);
  Heard();
  Listen();
  return {};
}

template <class Stream>
void WebsocketSink<Stream>::Listen() {
  reading_ = true;
  stream_.async_read(incoming_, [this](error_code failed, std::size_t) {
    reading_ = false;
    if (!failed) {
      Heard();
      incoming_.clear();
      return Listen();
    }
    if (failed == websocket::error::closed) {
      failed_ = Error{Code::kIo, fmt::format("the peer closes the connection with {}",
                                             static_cast<unsigned>(stream_.reason().code))};
    } else {
      failed_ = Error{Code::kIo, fmt::format("the peer is gone: {}", failed.message())};
    }
  });
}

template <class Stream>
Result<void> WebsocketSink<Stream>::Send(std::string_view chunk, Payload payload) {
  TRELLIS_CHECK(Idle());
  seconds const limit(peer_.settings->write_timeout_s);
  stream_.binary(payload == Payload::kBinary);
  TRELLIS_CHECK(Await("send", limit, [&](Loop::Handler const& done) {
    stream_.async_write(asio::buffer(chunk.data(), chunk.size()),
                        [done](error_code failed, std::size_t) { done(failed); });
  }));
  // A message that was written may still be lost with the peer; one before an answered ping is not.
  (void)peer_.loop->RunFor(limit, [this] { return !pinging_ || failed_; });
  if (!pinging_ && !failed_) Ping();
  bool const heard = peer_.loop->RunFor(
      limit, [this] { return failed_ || (pong_ && *pong_ == std::to_string(ping_)); });
  if (failed_) return tl::unexpected<Error>(*failed_);
  if (!heard) return Fail(Code::kTimeout, "the peer does not answer within {} s", limit.count());
  return {};
}

template <class Stream>
Result<void> WebsocketSink<Stream>::Idle() {
  if (failed_) return tl::unexpected<Error>(*failed_);
  auto const now = Loop::Clock::now();
  seconds const every(peer_.settings->ping_s);
  if (now - heard_ > every + kPongTime)
    return Fail(Code::kTimeout, "the peer is silent for {} s", (every + kPongTime).count());
  if (pinging_ || now - std::max(pinged_, heard_) < every) return {};
  Ping();
  return {};
}

template <class Made>
Result<std::unique_ptr<Sink>> Opened(std::unique_ptr<Made> sink) {
  TRELLIS_CHECK(sink->Open());
  return std::unique_ptr<Sink>(std::move(sink));
}

}  // namespace

Result<std::unique_ptr<Sink>> ConnectWebsocket(Peer const& peer) {
  asio::ssl::context tls(asio::ssl::context::tls_client);
  bool const secure = peer.output->kind == Output::Kind::kWss;
  if (secure) TRELLIS_CHECK(Trust(tls, *peer.settings, peer.output->host));
  TRELLIS_TRY(auto socket, Dial(peer));
  if (!secure) return Opened(std::make_unique<WebsocketSink<Plain>>(peer, std::move(socket)));
  return Opened(std::make_unique<WebsocketSink<Secure>>(peer, std::move(socket), tls));
}

}  // namespace trellis::plugins::zlogs
