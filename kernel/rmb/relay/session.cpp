#include "kernel/rmb/relay/session.hpp"

#include "kernel/rmb/token.hpp"

#include <chrono>

namespace trellis::rmb {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using boost::system::error_code;

namespace {

constexpr std::size_t kMaxHeader = 16384;
constexpr std::size_t kMaxBody = std::size_t{1} << 20;
constexpr std::chrono::seconds kRequestTime(30);
constexpr std::chrono::seconds kSilence(
    120);  // a session without any frame for this long is closed
constexpr std::chrono::seconds kSlowReader(60);

}  // namespace

std::int64_t UnixNow() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void Session::Start(boost::asio::ip::tcp::socket socket, SessionOwner& owner) {
  std::make_shared<Session>(std::move(socket), owner)->ReadRequest();
}

Session::Session(boost::asio::ip::tcp::socket socket, SessionOwner& owner)
    : owner_(owner), ws_(std::move(socket)), slow_(ws_.get_executor()) {
  error_code ignored;
  beast::get_lowest_layer(ws_).socket().set_option(boost::asio::ip::tcp::no_delay(true), ignored);
}

void Session::ReadRequest() {
  beast::get_lowest_layer(ws_).expires_after(kRequestTime);
  parser_.emplace();
  parser_->header_limit(kMaxHeader);
  parser_->body_limit(kMaxBody);
  http::async_read(ws_.next_layer(), buffer_, *parser_,
                   [self = shared_from_this()](error_code error, std::size_t) {
                     if (error) return;
                     self->request_ = self->parser_->release();
                     self->parser_.reset();
                     self->HandleRequest();
                   });
}

void Session::HandleRequest() {
  if (websocket::is_upgrade(request_)) return Upgrade();
  auto const target = std::string_view(request_.target().data(), request_.target().size());
  if (request_.method() == http::verb::get && target == "/metrics")
    return Answer(http::status::ok, owner_.MetricsText());
  Answer(http::status::not_found, "page not found");
}

void Session::Upgrade() {
  auto const target = std::string_view(request_.target().data(), request_.target().size());
  auto const question = target.find('?');
  if (question == std::string_view::npos || question + 1 == target.size())
    return Answer(http::status::bad_request, "missing jwt");
  auto const token = ParseToken(target.substr(question + 1));
  if (!token) return Answer(http::status::unauthorized, "invalid jwt: " + token.error().message);
  auto const twin = owner_.twins().Twin(token->claims.sub);
  if (!twin && twin.error().code == Code::kNotFound)
    return Answer(http::status::unauthorized, fmt::format("twin not found {}", token->claims.sub));
  if (!twin)
    return Answer(http::status::service_unavailable, "failed to get twin: " + twin.error().message);
  if (auto const good = CheckToken(*token, twin->account, UnixNow(), owner_.options().jwt_leeway_s);
      !good) {
    return Answer(http::status::unauthorized, "invalid jwt: " + good.error().message);
  }
  if (owner_.session_count() >= owner_.options().max_sessions)
    return Answer(http::status::service_unavailable, "user limit reached");
  address_ = {token->claims.sub, token->claims.sid};
  beast::get_lowest_layer(ws_).expires_never();
  websocket::stream_base::timeout timeout{};
  timeout.handshake_timeout = kRequestTime;
  timeout.idle_timeout = kSilence;
  timeout.keep_alive_pings = false;
  ws_.set_option(timeout);
  ws_.read_message_max(owner_.options().max_message);
  ws_.auto_fragment(false);
  ws_.binary(true);
  ws_.async_accept(request_, [self = shared_from_this()](error_code error) {
    if (error) return;
    self->request_ = {};
    self->open_ = true;
    self->owner_.Add(self->address_, self);
    self->ReadMessage();
  });
}

void Session::Answer(http::status status, std::string text) {
  auto response = std::make_shared<HttpResponse>(status, request_.version());
  response->set(http::field::content_type, "text/plain");
  response->keep_alive(false);
  response->body() = std::move(text);
  response->prepare_payload();
  http::async_write(ws_.next_layer(), *response,
                    [self = shared_from_this(), response](error_code, std::size_t) {
                      error_code ignored;
                      beast::get_lowest_layer(self->ws_).socket().shutdown(
                          boost::asio::ip::tcp::socket::shutdown_send, ignored);
                    });
}

void Session::ReadMessage() {
  ws_.async_read(buffer_, [self = shared_from_this()](error_code error, std::size_t) {
    if (error) return self->Gone();
    bool good = self->ws_.got_binary();
    if (good) {
      auto const data = self->buffer_.data();
      std::string bytes(static_cast<char const*>(data.data()), data.size());
      good = self->owner_.Route(self->address_, std::move(bytes), UnixNow()).has_value();
    }
    self->buffer_.consume(self->buffer_.size());
    if (!good) return self->Close();
    self->ReadMessage();
  });
}

void Session::Flush() {
  if (!open_ || writing_ != nullptr) return;
  writing_ = owner_.queues().Front(address_, UnixNow());
  if (writing_ == nullptr) return;
  slow_.expires_after(kSlowReader);
  slow_.async_wait([weak = weak_from_this()](error_code error) {
    auto const self = weak.lock();
    if (error || self == nullptr) return;
    ++self->owner_.counters().evicted_slow;
    self->Gone();
  });
  ws_.async_write(
      boost::asio::buffer(writing_->bytes),
      [self = shared_from_this()](error_code error, std::size_t) { self->Sent(error); });
}

void Session::Sent(error_code error) {
  slow_.cancel();
  auto const written = std::exchange(writing_, nullptr);
  if (error) return Gone();
  ++owner_.counters().tx;
  owner_.counters().tx_bytes += written->bytes.size();
  owner_.queues().Pop(address_, written);
  Flush();
}

void Session::Close() {
  if (!open_) return;
  open_ = false;
  owner_.Remove(address_, this);
  slow_.cancel();
  ws_.async_close(websocket::close_code::normal, [self = shared_from_this()](error_code) {
    error_code ignored;
    beast::get_lowest_layer(self->ws_).socket().close(ignored);
  });
}

void Session::Gone() {
  slow_.cancel();
  if (open_) {
    open_ = false;
    owner_.Remove(address_, this);
  }
  error_code ignored;
  beast::get_lowest_layer(ws_).socket().close(ignored);
}

}  // namespace trellis::rmb
