// A websocket client that does what tests tell it, right or wrong. Blocking, with time limits.
#pragma once

#include "kernel/rmb/envelope.hpp"
#include "tests/support/patience.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trellis::testing {

inline constexpr int kPatienceMs = std::chrono::milliseconds(kPatience).count();

struct HttpReply {
  unsigned status = 0;
  std::string body;
};

/// One TCP connection to a port of loopback.
class BusClient {
 public:
  explicit BusClient(std::uint16_t port);

  /// Sends raw bytes.
  void Write(std::string_view bytes);
  /// One HTTP exchange; the connection stays open when the server lets it.
  HttpReply Http(std::string_view request);
  HttpReply Get(std::string const& target);
  HttpReply Post(std::string const& target, std::string_view body);
  /// Asks for a websocket with the whole query; 101 = it is one now.
  HttpReply Upgrade(std::string const& query);

  void SendBinary(std::string_view payload);
  void SendFrame(std::uint8_t first_byte, std::string_view payload);
  /// The next data frame's payload; empty: nothing came in time, or the connection ended.
  std::optional<std::string> Receive(int timeout_ms = kPatienceMs);
  /// As Receive, parsed.
  std::optional<rmb::Envelope> ReceiveEnvelope(int timeout_ms = kPatienceMs);
  /// Reads until the connection ends; false: it did not in time.
  bool WaitClosed(int timeout_ms = kPatienceMs);
  /// Code of the close frame that came, 0 = none.
  [[nodiscard]] std::uint16_t close_code() const { return close_code_; }
  [[nodiscard]] std::size_t pongs() const { return pongs_; }
  void Close();

 private:
  enum class Got : std::uint8_t { kBytes, kTimeout, kEnd };
  Got ReadMore(int timeout_ms);
  /// The next whole frame out of what was read.
  std::optional<std::pair<std::uint8_t, std::string>> TakeFrame();

  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
  std::string in_;
  std::uint16_t close_code_ = 0;
  std::size_t pongs_ = 0;
};

}  // namespace trellis::testing
