#include "kernel/api/http.hpp"

#include "kernel/sys/tcp_listen.hpp"

#include <pthread.h>

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <thread>

namespace trellis::api {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kMaxHeader = 8192;
constexpr std::chrono::seconds kRequestTime(10);

/// One request and its answer; ends itself.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(tcp::socket socket, HttpServer::Options const& options)
      : stream_(std::move(socket)), options_(options) {}

  void Run() {
    parser_.header_limit(kMaxHeader);
    parser_.body_limit(options_.max_body);
    stream_.expires_after(kRequestTime);
    http::async_read(stream_, buffer_, parser_,
                     [self = shared_from_this()](error_code error, std::size_t) {
                       if (error == http::error::body_limit) return self->Refuse();
                       if (!error) self->Answer();
                     });
  }

 private:
  void Refuse() {
    response_.result(http::status::payload_too_large);
    response_.body() = "body is too large\n";
    Send();
  }
  void Answer() {
    auto const& request = parser_.get();
    response_.version(request.version());
    response_.set(http::field::content_type, "text/plain; version=0.0.4");
    if (request.method() == http::verb::get && request.target() == "/metrics") {
      response_.body() = options_.metrics();
    } else if (request.method() == http::verb::get && request.target() == "/health") {
      auto const trouble = options_.trouble ? options_.trouble() : std::string();
      if (!trouble.empty()) response_.result(http::status::service_unavailable);
      response_.body() = (trouble.empty() ? "ok" : trouble) + "\n";
    } else if (!AnswerMore()) {
      response_.result(http::status::not_found);
      response_.body() = "page not found\n";
    }
    Send();
  }
  bool AnswerMore() {
    if (!options_.more) return false;
    response_.set(http::field::access_control_allow_origin, "*");
    auto const& request = parser_.get();
    if (request.method() == http::verb::options) {  // a browser asks before it posts JSON
      response_.result(http::status::no_content);
      response_.set(http::field::access_control_allow_methods, "GET, POST");
      response_.set(http::field::access_control_allow_headers, "*");
      return true;
    }
    auto const text = [](auto const& view) { return std::string_view(view.data(), view.size()); };
    auto reply = options_.more(
        {text(request.method_string()), text(request.target()), text(request.body())});
    if (!reply) return false;
    response_.result(reply->status);
    response_.set(http::field::content_type, reply->content_type);
    for (auto const& [name, value] : reply->headers)
      response_.set(name, value);
    response_.body() = std::move(reply->body);
    return true;
  }
  void Send() {
    response_.keep_alive(false);
    response_.prepare_payload();
    http::async_write(stream_, response_, [self = shared_from_this()](error_code, std::size_t) {
      error_code ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    });
  }

  beast::tcp_stream stream_;
  HttpServer::Options const& options_;
  beast::flat_buffer buffer_;
  http::request_parser<http::string_body> parser_;
  http::response<http::string_body> response_;
};

}  // namespace

class HttpServer::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)), acceptor_(io_) {}

  Result<void> Listen() {
    TRELLIS_CHECK(
        sys::ListenTcp(acceptor_, options_.host, options_.port, {"key 'http.listen'", ""}));
    port_ = acceptor_.local_endpoint().port();
    Accept();
    thread_ = std::thread([this] {
      (void)::pthread_setname_np(::pthread_self(), "http");
      io_.run();
    });
    return {};
  }

  void Stop() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] std::string url() const {
    return fmt::format("http://{}:{}", options_.host, port_);
  }

 private:
  void Accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (!acceptor_.is_open()) return;
      if (!error) std::make_shared<Exchange>(std::move(socket), options_)->Run();
      Accept();
    });
  }

  Options options_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() {
  impl_->Stop();
}

Result<std::unique_ptr<HttpServer>> HttpServer::Start(Options options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  TRELLIS_CHECK(impl->Listen());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

std::string HttpServer::url() const {
  return impl_->url();
}

}  // namespace trellis::api
