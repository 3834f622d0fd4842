#include "tests/support/bus/client.hpp"

#include <poll.h>

#include <boost/asio.hpp>

#include <array>

namespace trellis::testing {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::uint8_t kFinalBinary = 0x82;

std::string Head(std::string_view method, std::string const& target, std::string_view more) {
  return fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\n{}\r\n", method, target, more);
}

}  // namespace

BusClient::BusClient(std::uint16_t port) : socket_(io_) {
  socket_.connect(tcp::endpoint(asio::ip::make_address("127.0.0.1"), port));
  socket_.set_option(tcp::no_delay(true));
}

void BusClient::Write(std::string_view bytes) {
  boost::system::error_code ended;  // the other side may close meanwhile: the reader sees it
  asio::write(socket_, asio::buffer(bytes), ended);
}

BusClient::Got BusClient::ReadMore(int timeout_ms) {
  pollfd entry{socket_.native_handle(), POLLIN, 0};
  if (::poll(&entry, 1, timeout_ms) <= 0) return Got::kTimeout;
  std::array<char, 65536> bytes{};
  boost::system::error_code ended;
  auto const size = socket_.read_some(asio::buffer(bytes), ended);
  if (ended) return Got::kEnd;
  in_.append(bytes.data(), size);
  return Got::kBytes;
}

HttpReply BusClient::Http(std::string_view request) {
  Write(request);
  HttpReply reply;
  std::size_t end = 0;
  while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
    if (ReadMore(kPatienceMs) != Got::kBytes) return reply;
  }
  auto const head = in_.substr(0, end);
  in_.erase(0, end + 4);
  reply.status = static_cast<unsigned>(std::stoul(head.substr(head.find(' ') + 1, 3)));
  auto const at = head.find("Content-Length: ");
  if (at == std::string::npos) return reply;
  auto const size = std::stoul(head.substr(at + 16));
  while (in_.size() < size && ReadMore(kPatienceMs) == Got::kBytes) {
  }
  reply.body = in_.substr(0, size);
  in_.erase(0, size);
  return reply;
}

HttpReply BusClient::Get(std::string const& target) {
  return Http(Head("GET", target, ""));
}

HttpReply BusClient::Post(std::string const& target, std::string_view body) {
  auto head = Head("POST", target, fmt::format("Content-Length: {}\r\n", body.size()));
  return Http(head.append(body));
}

HttpReply BusClient::Upgrade(std::string const& query) {
  return Http(Head("GET", query.empty() ? "/" : "/?" + query,
                   "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
}

void BusClient::SendFrame(std::uint8_t first_byte, std::string_view payload) {
  constexpr std::array<char, 4> kMask{0x11, 0x22, 0x33, 0x44};
  std::string frame(1, static_cast<char>(first_byte));
  auto const size = payload.size();
  std::size_t const extra = size < 126 ? 0 : size < 65536 ? 2 : 8;
  frame += static_cast<char>(0x80U | (extra == 0 ? size : extra == 2 ? 126U : 127U));
  for (std::size_t i = 0; i < extra; ++i)
    frame += static_cast<char>(size >> (8 * (extra - 1 - i)));
  frame.append(kMask.data(), kMask.size());
  for (std::size_t i = 0; i < size; ++i)
    frame += static_cast<char>(payload[i] ^ kMask.at(i % kMask.size()));
  Write(frame);
}

void BusClient::SendBinary(std::string_view payload) {
  SendFrame(kFinalBinary, payload);
}

std::optional<std::pair<std::uint8_t, std::string>> BusClient::TakeFrame() {
  if (in_.size() < 2) return std::nullopt;
  std::uint64_t size = static_cast<std::uint8_t>(in_[1]);
  std::size_t const extra = size == 126 ? 2 : size == 127 ? 8 : 0;
  if (in_.size() < 2 + extra) return std::nullopt;
  if (extra > 0) size = 0;
  for (std::size_t i = 0; i < extra; ++i)
    size = size << 8U | static_cast<std::uint8_t>(in_[2 + i]);
  if (in_.size() < 2 + extra + size) return std::nullopt;
  std::pair<std::uint8_t, std::string> frame{static_cast<std::uint8_t>(in_[0]),
                                             in_.substr(2 + extra, size)};
  in_.erase(0, 2 + extra + size);
  return frame;
}

std::optional<std::string> BusClient::Receive(int timeout_ms) {
  while (true) {
    while (auto frame = TakeFrame()) {
      auto const opcode = frame->first & 0x0fU;
      if (opcode == 2) return std::move(frame->second);
      if (opcode == 10) ++pongs_;
      if (opcode == 8 && frame->second.size() >= 2)
        close_code_ = static_cast<std::uint16_t>(static_cast<std::uint8_t>(frame->second[0]) << 8U |
                                                 static_cast<std::uint8_t>(frame->second[1]));
    }
    if (ReadMore(timeout_ms) != Got::kBytes) return std::nullopt;
  }
}

std::optional<rmb::Envelope> BusClient::ReceiveEnvelope(int timeout_ms) {
  auto const bytes = Receive(timeout_ms);
  if (!bytes) return std::nullopt;
  auto parsed = rmb::ParseEnvelope(*bytes);
  if (!parsed) return std::nullopt;
  return *std::move(parsed);
}

bool BusClient::WaitClosed(int timeout_ms) {
  while (true) {
    while (Receive(0).has_value()) {
    }
    auto const got = ReadMore(timeout_ms);
    if (got == Got::kTimeout) return false;
    if (got == Got::kBytes) continue;
    while (TakeFrame().has_value()) {
    }
    return true;
  }
}

void BusClient::Close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace trellis::testing
