// A websocket server that collects what it is sent, as the servers that people run for logs do:
// binary messages are gzip members, text messages are taken as they are.
#pragma once

#include "kernel/sys/fd.hpp"

#include <openssl/ssl.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace trellis::testing {

/// Exactly one gzip member, else "".
std::string Gunzip(std::string const& member);

struct WebsocketMessage {
  std::string text;         ///< unpacked
  std::size_t payload = 0;  ///< as it came
  bool binary = false;
  bool plain_frame = false;  ///< one masked frame with FIN and no reserved bit
};

/// On 127.0.0.1; threads of its own. Thread-safe.
class WebsocketServer {
 public:
  struct Tls {
    std::string certificate;
    std::string key;
  };
  explicit WebsocketServer(Tls const& tls = {});
  ~WebsocketServer();
  WebsocketServer(WebsocketServer const&) = delete;
  WebsocketServer& operator=(WebsocketServer const&) = delete;
  WebsocketServer(WebsocketServer&&) = delete;
  WebsocketServer& operator=(WebsocketServer&&) = delete;

  /// Every connection and the port are gone, as when the process is killed.
  void Kill();
  /// On the same port again.
  void Start();
  /// Every connection is closed with this code, new ones are accepted.
  void CloseAll(std::uint16_t code);

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string received();
  [[nodiscard]] std::vector<WebsocketMessage> messages();
  /// The heads of the requests.
  [[nodiscard]] std::vector<std::string> requests();
  /// False when it is not so until `limit`; looked at after each message and request.
  bool WaitFor(std::function<bool(WebsocketServer&)> const& done);

 private:
  struct Connection;
  void Accept();
  void Serve(Connection& connection);
  void ServeFrames(Connection& connection);
  void Take(Connection& connection, unsigned char first, bool masked, std::string const& payload);

  std::uint16_t port_ = 0;
  SSL_CTX* tls_ = nullptr;
  sys::UniqueFd listener_;
  std::thread acceptor_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<WebsocketMessage> messages_;
  std::vector<std::string> requests_;
};

}  // namespace trellis::testing
