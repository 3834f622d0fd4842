#include "kernel/rmb/relay/transport.hpp"

#include <algorithm>
#include <array>

namespace trellis::rmb {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

bool WouldBlock(error_code error) {
  return error == asio::error::would_block || error == asio::error::try_again;
}

Transfer Outcome(error_code error, std::size_t bytes) {
  if (!error) return {Transfer::State::kOk, bytes};
  return {WouldBlock(error) ? Transfer::State::kWouldBlock : Transfer::State::kClosed, bytes};
}

class Plain final : public Transport {
 public:
  using Transport::Transport;

  Transfer Read(std::span<char> into) override {
    error_code error;
    auto const bytes = socket_.read_some(asio::buffer(into.data(), into.size()), error);
    return Outcome(error, bytes);
  }
  Transfer Write(std::span<asio::const_buffer const> buffers) override {
    error_code error;
    auto const bytes = socket_.write_some(buffers, error);
    return Outcome(error, bytes);
  }
};

}  // namespace

Transport::Transport(tcp::socket socket) : socket_(std::move(socket)) {
  error_code ignored;  // a socket that is broken already shows it at the first read
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
}

void Transport::ShutDown() {
  error_code ignored;  // it is closed soon anyway
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

std::unique_ptr<Transport> PlainTransport(tcp::socket socket) {
  return std::make_unique<Plain>(std::move(socket));
}

}  // namespace trellis::rmb
