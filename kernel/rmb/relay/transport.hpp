// Bytes in and out of one accepted TCP connection, plain or under TLS, without blocking.
#pragma once

#include <trellis/result.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <filesystem>
#include <memory>
#include <span>

namespace trellis::rmb {

/// How a read or write went. `bytes` counts also when the state is not kOk.
struct Transfer {
  enum class State : std::uint8_t { kOk, kWouldBlock, kClosed };
  State state = State::kOk;
  std::size_t bytes = 0;
};

/// Belongs to the relay's I/O thread.
class Transport {
 public:
  explicit Transport(boost::asio::ip::tcp::socket socket);
  virtual ~Transport() = default;
  Transport(Transport const&) = delete;
  Transport& operator=(Transport const&) = delete;

  virtual Transfer Read(std::span<char> into) = 0;
  /// Takes what it can of the buffers. kWouldBlock: call again, beginning with what was not taken,
  /// once the socket is writable.
  virtual Transfer Write(std::span<boost::asio::const_buffer const> buffers) = 0;
  /// Has taken bytes that are not on the socket yet: Write must be called again, with or without
  /// buffers.
  [[nodiscard]] virtual bool HasPending() const { return false; }
  /// Says that nothing more will be written.
  virtual void ShutDown();

  [[nodiscard]] boost::asio::ip::tcp::socket& socket() { return socket_; }

 protected:
  boost::asio::ip::tcp::socket socket_;
};

[[nodiscard]] std::unique_ptr<Transport> PlainTransport(boost::asio::ip::tcp::socket socket);

/// Certificate and key of a server.
class TlsServer {
 public:
  /// PEM files: the certificate with its chain, and its key. kInvalid, kNotFound name the file.
  static Result<std::unique_ptr<TlsServer>> Load(std::filesystem::path const& certificate,
                                                 std::filesystem::path const& key);
  ~TlsServer();
  TlsServer(TlsServer const&) = delete;
  TlsServer& operator=(TlsServer const&) = delete;

  /// Shakes hands during the first reads. Null when memory is out.
  [[nodiscard]] std::unique_ptr<Transport> Wrap(boost::asio::ip::tcp::socket socket) const;

 private:
  class Context;
  explicit TlsServer(std::unique_ptr<Context> context);
  std::unique_ptr<Context> context_;
};

}  // namespace trellis::rmb
