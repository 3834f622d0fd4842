#include "kernel/ledger/etcd/connection.hpp"

#include "kernel/ledger/etcd/tls_context.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include <atomic>
#include <optional>
#include <type_traits>
#include <utility>

namespace trellis::ledger::etcd {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::uint64_t kMaxAnswerBytes = 64U << 20U;
constexpr std::size_t kMaxLineBytes = 8U << 20U;

template <class Stream>
class StreamConnection final : public Connection {
 public:
  template <class... Args>
  explicit StreamConnection(Endpoint const& endpoint, Args&... tls)
      : name_(endpoint.ToString()), host_(endpoint.host), stream_(ioc_, tls...) {}

  Result<void> Start(Endpoint const& endpoint, Limit limit) {
    TRELLIS_CHECK(Connect(endpoint, limit));
    if constexpr (!std::is_same_v<Stream, beast::tcp_stream>) return Handshake(limit);
    return {};
  }

  Result<HttpAnswer> Post(HttpRequest const& request, Limit limit) override {
    TRELLIS_CHECK(Send(request, limit));
    http::response_parser<http::string_body> parser;
    parser.body_limit(kMaxAnswerBytes);
    TRELLIS_CHECK(Finish("read", limit, [&](auto done) {
      http::async_read(stream_, buffer_, parser, std::move(done));
    }));
    auto& answer = parser.get();
    return HttpAnswer{answer.result_int(), std::move(answer.body())};
  }

  Result<void> StartStream(HttpRequest const& request, Limit limit) override {
    TRELLIS_CHECK(Send(request, limit));
    parser_.emplace();
    parser_->body_limit(boost::none);
    parser_->eager(true);
    return Finish("read", limit, [&](auto done) {
      http::async_read_header(stream_, buffer_, *parser_, std::move(done));
    });
  }

  Result<std::string> ReadLine(Limit limit) override {
    auto& text = parser_->get().body();
    for (;;) {
      auto const end = text.find('\n');
      if (end != std::string::npos) {
        auto line = text.substr(0, end);
        text.erase(0, end + 1);
        return line;
      }
      if (cancelled_ || parser_->is_done() || text.size() > kMaxLineBytes)
        return Fail(Code::kUnavailable, "{}: the stream has ended{}", name_,
                    text.empty() ? "" : ": " + text.substr(0, 200));
      TRELLIS_CHECK(ReadSome(limit));
    }
  }

  void Cancel() override {
    cancelled_ = true;
    asio::post(ioc_, [this] {
      error_code ignored;
      beast::get_lowest_layer(stream_).socket().close(ignored);
    });
  }

 private:
  template <class Begin>
  error_code Run(Limit limit, Begin begin) {
    error_code result = asio::error::operation_aborted;
    beast::get_lowest_layer(stream_).expires_after(limit);
    begin([&result](error_code failed, auto const&...) { result = failed; });
    ioc_.restart();
    ioc_.run();
    return result;
  }

  template <class Begin>
  Result<void> Finish(std::string_view what, Limit limit, Begin begin) {
    auto const failed = Run(limit, std::move(begin));
    if (!failed) return {};
    return Fail(Code::kUnavailable, "{}: {}: {}", name_, what, failed.message());
  }

  Result<void> Connect(Endpoint const& endpoint, Limit limit) {
    asio::ip::tcp::resolver resolver(ioc_);
    asio::ip::tcp::resolver::results_type addresses;
    error_code failed = asio::error::timed_out;
    resolver.async_resolve(endpoint.host, endpoint.port, [&](error_code result, auto found) {
      failed = result;
      addresses = std::move(found);
    });
    ioc_.run_for(limit);
    if (failed) return Fail(Code::kUnavailable, "{}: cannot resolve: {}", name_, failed.message());
    auto& socket = beast::get_lowest_layer(stream_);
    TRELLIS_CHECK(Finish("connect", limit,
                         [&](auto done) { socket.async_connect(addresses, std::move(done)); }));
    error_code ignored;
    socket.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    return {};
  }

  Result<void> Handshake(Limit limit) {
    if constexpr (!std::is_same_v<Stream, beast::tcp_stream>) {
      PrepareVerification(stream_, host_);
      return Finish("TLS", limit, [&](auto done) {
        stream_.async_handshake(asio::ssl::stream_base::client, std::move(done));
      });
    }
    return {};
  }

  Result<void> Send(HttpRequest const& request, Limit limit) {
    http::request<http::span_body<char const>> message(http::verb::post, request.target, 11);
    message.set(http::field::host, host_);
    message.set(http::field::content_type, "application/json");
    message.set("Grpc-Metadata-hasleader", "true");  // no answers from a member that is cut off
    if (!request.token.empty()) message.set(http::field::authorization, request.token);
    message.body() = {request.body.data(), request.body.size()};
    message.prepare_payload();
    return Finish("write", limit,
                  [&](auto done) { http::async_write(stream_, message, std::move(done)); });
  }

  Result<void> ReadSome(Limit limit) {
    // Not by the stream's own timer: that would end the stream.
    bool finished = false;
    error_code failed;
    beast::get_lowest_layer(stream_).expires_never();
    if (!reading_) {
      reading_ = true;
      http::async_read_some(stream_, buffer_, *parser_, [this](error_code result, std::size_t) {
        reading_ = false;
        stream_error_ = result;
      });
    }
    ioc_.restart();
    while (reading_ && ioc_.run_one_for(limit) != 0) {
    }
    finished = !reading_;
    if (!finished) return Fail(Code::kTimeout, "{}: nothing yet", name_);
    failed = std::exchange(stream_error_, {});
    if (failed && failed != http::error::end_of_stream)
      return Fail(Code::kUnavailable, "{}: read: {}", name_, failed.message());
    return {};
  }

  std::string name_;
  std::string host_;
  asio::io_context ioc_{1};
  Stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::string_body>> parser_;  // of the stream
  bool reading_ = false;  // a read of the stream is under way
  error_code stream_error_;
  std::atomic<bool> cancelled_ = false;
};

template <class Stream, class... Args>
Result<std::unique_ptr<Connection>> OpenStream(Endpoint const& endpoint, Connection::Limit limit,
                                               Args&... tls) {
  auto connection = std::make_unique<StreamConnection<Stream>>(endpoint, tls...);
  TRELLIS_CHECK(connection->Start(endpoint, limit));
  return std::unique_ptr<Connection>(std::move(connection));
}

}  // namespace

Result<std::unique_ptr<Connection>> Connection::Open(Endpoint const& endpoint,
                                                     std::shared_ptr<Tls> const& tls, Limit limit) {
  try {
    if (endpoint.tls)
      return OpenStream<beast::ssl_stream<beast::tcp_stream>>(endpoint, limit, tls->context().ssl);
    return OpenStream<beast::tcp_stream>(endpoint, limit);
  } catch (std::exception const& failed) {
    return Fail(Code::kUnavailable, "{}: {}", endpoint.ToString(), failed.what());
  }
}

}  // namespace trellis::ledger::etcd
