#include "tools/load/session.hpp"

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include <deque>

namespace trellis::load {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;
using tcp = asio::ip::tcp;

class Session::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, Received received, Lost lost)
      : ws_(io), received_(std::move(received)), lost_(std::move(lost)) {}

  Result<void> Connect(std::string const& host, std::string const& port, std::string const& token) {
    error_code error;
    tcp::resolver resolver(ws_.get_executor());
    auto const found = resolver.resolve(host, port, error);
    if (!error) asio::connect(ws_.next_layer(), found, error);
    if (!error) ws_.next_layer().set_option(tcp::no_delay(true), error);
    if (!error) ws_.handshake(host + ":" + port, token.empty() ? "/" : "/?" + token, error);
    if (error)
      return Fail(Code::kUnavailable, "cannot connect to {}:{}: {}", host, port, error.message());
    ws_.binary(true);
    ws_.auto_fragment(false);
    ws_.read_message_max(std::size_t{16} << 20);
    Read();
    return {};
  }

  void Send(std::string const& bytes) {
    waiting_.push_back(&bytes);
    if (waiting_.size() == 1) Write();
  }

  void Close() {
    closed_ = true;
    error_code ignored;
    ws_.next_layer().close(ignored);
  }

 private:
  void Read() {
    ws_.async_read(in_, [self = shared_from_this()](error_code error, std::size_t size) {
      if (error) return self->Fell(error);
      self->received_({static_cast<char const*>(self->in_.data().data()), size});
      self->in_.consume(size);
      self->Read();
    });
  }
  void Write() {
    ws_.async_write(asio::buffer(*waiting_.front()),
                    [self = shared_from_this()](error_code error, std::size_t) {
                      if (error) return self->Fell(error);
                      self->waiting_.pop_front();
                      if (!self->waiting_.empty()) self->Write();
                    });
  }
  void Fell(error_code error) {
    if (std::exchange(closed_, true)) return;
    lost_(error.message());
  }

  websocket::stream<tcp::socket> ws_;
  Received received_;
  Lost lost_;
  boost::beast::flat_buffer in_;
  std::deque<std::string const*> waiting_;
  bool closed_ = false;
};

Session::Session(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() {
  impl_->Close();
}

Result<std::unique_ptr<Session>> Session::Connect(asio::io_context& io, std::string_view url,
                                                  std::string const& token, Received received,
                                                  Lost lost) {
  constexpr std::string_view kScheme = "ws://";
  auto const rest = url.substr(std::min(kScheme.size(), url.size()));
  auto const colon = rest.rfind(':');
  if (!url.starts_with(kScheme) || colon == std::string_view::npos)
    return Fail(Code::kInvalid, "'{}' is not ws://host:port", url);
  auto impl = std::make_shared<Impl>(io, std::move(received), std::move(lost));
  TRELLIS_CHECK(impl->Connect(std::string(rest.substr(0, colon)),
                              std::string(rest.substr(colon + 1)), token));
  return std::unique_ptr<Session>(new Session(std::move(impl)));  // NOLINT: private constructor
}

void Session::Send(std::string const& bytes) {
  impl_->Send(bytes);
}

}  // namespace trellis::load
