#include "kernel/rmb/relay/http_link.hpp"

#include "kernel/rmb/relay/domains.hpp"

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>

namespace trellis::rmb {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kConnectTime(2);
constexpr std::chrono::seconds kTotalTime(3);
constexpr std::size_t kMaxAnswer = 4096;

using Endpoints = std::vector<tcp::endpoint>;

/// Where the answer of a look-up arrives.
struct Lookup {
  explicit Lookup(asio::io_context& io) : done(io) {}
  asio::steady_timer done;  // cancelled when the answer is there
  std::optional<Endpoints> found;
};

Endpoints ResolveNow(std::string const& host, std::string const& port) {
  asio::io_context io;
  tcp::resolver resolver(io);
  error_code error;
  Endpoints out;
  for (auto const& entry : resolver.resolve(host, port, error))
    out.push_back(entry.endpoint());
  return out;
}

asio::awaitable<Endpoints> Resolve(asio::io_context& io, FairPool& pool, HttpTarget target) {
  error_code not_numeric;
  (void)asio::ip::make_address(target.host, not_numeric);
  if (!not_numeric) {
    auto const found = ResolveNow(target.host, target.port);  // numbers only: no question is sent
    co_return found;
  }
  auto lookup = std::make_shared<Lookup>(io);  // shared with the thread that may be late
  lookup->done.expires_after(kConnectTime);
  auto const work = [lookup, &io, target] {
    auto found = ResolveNow(target.host, target.port);
    asio::post(io, [lookup, found = std::move(found)]() mutable {
      lookup->found = std::move(found);
      lookup->done.cancel();
    });
  };
  auto const key = std::hash<std::string>()(target.host);
  if (!pool.Post(key, Lane::kNormal, 0, work)) co_return Endpoints();
  error_code ended;
  co_await lookup->done.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  co_return lookup->found.value_or(Endpoints());
}

}  // namespace

struct HttpLink::Connection {
  HttpTarget target;
  std::optional<beast::tcp_stream> plain;
  std::optional<beast::ssl_stream<beast::tcp_stream>> secure;
  beast::flat_buffer buffer;

  beast::tcp_stream& lowest() { return secure ? secure->next_layer() : *plain; }
};

HttpTarget TargetOf(std::string_view domain, std::vector<std::string> const& insecure) {
  auto const plain = NormaliseDomain(domain);
  HttpTarget target;
  target.tls = !domain.starts_with("ws:") && !domain.starts_with("http:") &&
               std::none_of(insecure.begin(), insecure.end(),
                            [&](auto const& other) { return SameDomain(domain, other); });
  auto const colon = plain.rfind(':');
  bool const has_port = colon != std::string::npos && plain.find(']', colon) == std::string::npos;
  target.host = has_port ? plain.substr(0, colon) : plain;
  target.port = has_port ? plain.substr(colon + 1) : (target.tls ? "443" : "80");
  if (target.host.starts_with('[') && target.host.ends_with(']'))
    target.host = target.host.substr(1, target.host.size() - 2);
  return target;
}

HttpLink::HttpLink(asio::io_context& io, asio::ssl::context& tls,
                   std::shared_ptr<FairPool> resolvers)
    : io_(io), tls_(tls), resolvers_(std::move(resolvers)) {}
HttpLink::~HttpLink() = default;

asio::awaitable<unsigned> HttpLink::Post(HttpTarget target, std::string const& bytes) {
  bool const kept = connection_ != nullptr && connection_->target == target;
  try {
    if (!kept) co_await Connect(target);
    co_return co_await Exchange(bytes);
  } catch (boost::system::system_error const&) {
    connection_.reset();  // unreachable, too slow, or not HTTP
  }
  if (!kept) co_return 0;
  co_return co_await Post(std::move(target), bytes);  // it was closed meanwhile: a fresh one
}

asio::awaitable<void> HttpLink::Connect(HttpTarget const& target) {
  connection_ = std::make_unique<Connection>();
  connection_->target = target;
  auto const found = co_await Resolve(io_, *resolvers_, target);
  if (found.empty()) throw boost::system::system_error(asio::error::host_not_found);
  beast::tcp_stream stream(io_);
  stream.expires_after(kConnectTime);
  co_await stream.async_connect(found, asio::use_awaitable);
  stream.socket().set_option(tcp::no_delay(true));
  stream.expires_after(kTotalTime);
  if (!target.tls) {
    connection_->plain.emplace(std::move(stream));
    co_return;
  }
  auto& secure = connection_->secure.emplace(std::move(stream), tls_);
  auto name = target.host;  // OpenSSL wants it without const
  (void)::SSL_ctrl(secure.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                   name.data());
  secure.set_verify_callback(asio::ssl::host_name_verification(target.host));
  co_await secure.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
}

asio::awaitable<unsigned> HttpLink::Exchange(std::string const& bytes) {
  auto& connection = *connection_;
  connection.lowest().expires_after(kTotalTime);
  http::request<http::span_body<char const>> request(http::verb::post, "/", 11);
  request.set(http::field::host, connection.target.host + ":" + connection.target.port);
  request.set(http::field::content_type, "application/octet-stream");
  request.body() = {bytes.data(), bytes.size()};
  request.prepare_payload();
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxAnswer);
  if (connection.secure) {
    co_await http::async_write(*connection.secure, request, asio::use_awaitable);
    co_await http::async_read(*connection.secure, connection.buffer, parser, asio::use_awaitable);
  } else {
    co_await http::async_write(*connection.plain, request, asio::use_awaitable);
    co_await http::async_read(*connection.plain, connection.buffer, parser, asio::use_awaitable);
  }
  auto const status = parser.get().result_int();
  connection.lowest().expires_never();
  if (!parser.get().keep_alive()) connection_.reset();
  co_return status;
}

}  // namespace trellis::rmb
