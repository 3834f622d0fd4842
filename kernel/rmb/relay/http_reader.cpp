#include "kernel/rmb/relay/http_reader.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include <array>
#include <optional>

namespace trellis::rmb {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

namespace {

constexpr std::uint32_t kMaxHeader = 16384;
constexpr std::size_t kKeyBytes = 16;
constexpr char const* kServer = "trellis-relay";
constexpr std::string_view kWebSocketGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

using Parser = http::request_parser<http::string_body>;

std::string_view View(beast::string_view text) {
  return {text.data(), text.size()};
}

/// 16 bytes in base64: what a websocket client sends as its key.
bool IsKey(std::string_view key) {
  std::array<unsigned char, kKeyBytes + 2> bytes{};
  std::size_t size = 0;
  return ::sodium_base642bin(bytes.data(), bytes.size(), key.data(), key.size(), nullptr, &size,
                             nullptr, sodium_base64_VARIANT_ORIGINAL) == 0 &&
         size == kKeyBytes;
}

std::string AcceptText(std::string_view key) {
  auto const text = std::string(key).append(kWebSocketGuid);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  (void)::EVP_Digest(text.data(), text.size(), digest.data(), &size, ::EVP_sha1(), nullptr);
  std::string out(sodium_base64_ENCODED_LEN(20, sodium_base64_VARIANT_ORIGINAL), '\0');
  ::sodium_bin2base64(out.data(), out.size(), digest.data(), size, sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();  // the terminating zero
  return out;
}

}  // namespace

struct HttpReader::Parts {
  explicit Parts(std::size_t body_limit) : max_body(body_limit) {}

  void Begin() {
    parser.emplace();
    parser->header_limit(kMaxHeader);
    parser->body_limit(max_body);
    parser->eager(true);
    continued = false;
  }

  std::size_t max_body;
  std::optional<Parser> parser;
  std::string rest;        // bytes the parser has not taken
  bool continued = false;  // "100 Continue" was asked for already
};

HttpReader::HttpReader(std::size_t max_body) : parts_(std::make_unique<Parts>(max_body)) {}
HttpReader::~HttpReader() = default;

HttpReader::State HttpReader::Feed(std::string_view bytes) {
  auto& parts = *parts_;
  parts.rest += bytes;
  if (!parts.parser) parts.Begin();
  while (!parts.rest.empty() && !parts.parser->is_done()) {
    error_code error;
    auto const used = parts.parser->put(boost::asio::buffer(parts.rest), error);
    parts.rest.erase(0, used);
    if (error == http::error::need_more) break;
    if (error == http::error::body_limit || error == http::error::header_limit)
      return State::kTooBig;
    if (error) return State::kBad;
    if (used == 0) break;
  }
  if (parts.parser->is_done()) return State::kDone;
  bool const waits = parts.parser->is_header_done() && !parts.continued &&
                     beast::iequals(parts.parser->get()[http::field::expect], "100-continue");
  if (!waits) return State::kMore;
  parts.continued = true;
  return State::kContinue;
}

HttpRequest HttpReader::Take() {
  auto request = parts_->parser->release();
  parts_->parser.reset();
  HttpRequest out;
  out.is_get = request.method() == http::verb::get;
  out.is_post = request.method() == http::verb::post;
  out.keep_alive = request.keep_alive();
  out.key = View(request[http::field::sec_websocket_key]);
  out.is_upgrade = beast::websocket::is_upgrade(request) && IsKey(out.key) &&
                   request[http::field::sec_websocket_version] == "13";
  out.target = View(request.target());
  out.body = std::move(request.body());
  return out;
}

std::string HttpReader::TakeRest() {
  return std::exchange(parts_->rest, {});
}

std::size_t HttpReader::held_bytes() const {
  return parts_->rest.capacity() + (parts_->parser ? parts_->parser->get().body().capacity() : 0);
}

bool HttpReader::started() const {
  return !parts_->rest.empty() || (parts_->parser && parts_->parser->got_some());
}

std::string HttpDate(std::int64_t unix_seconds) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(unix_seconds));
}

std::string HttpResponse(HttpHead const& head, std::string_view body) {
  auto const reason = View(http::obsolete_reason(http::int_to_status(head.status)));
  return fmt::format(
      "HTTP/1.1 {} {}\r\nServer: {}\r\nDate: {}\r\nConnection: {}\r\nContent-Type: {}\r\n"
      "Content-Length: {}\r\n\r\n{}",
      head.status, reason, kServer, HttpDate(head.now), head.keep_alive ? "keep-alive" : "close",
      head.content_type, body.size(), body);
}

std::string UpgradeResponse(std::string_view key, std::int64_t now) {
  return fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nServer: {}\r\nDate: {}\r\nConnection: Upgrade\r\n"
      "Upgrade: websocket\r\nSec-WebSocket-Accept: {}\r\n\r\n",
      kServer, HttpDate(now), AcceptText(key));
}

}  // namespace trellis::rmb
