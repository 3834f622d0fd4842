// A real Redis server of a test's own, on a unix socket and any free port.
#pragma once

#include <sys/types.h>

#include <string>

namespace trellis::testing {

/// Lives as long as the object; keeps nothing.
class RedisServer {
 public:
  /// `dir` must exist; its path must be short enough for a socket.
  explicit RedisServer(std::string const& dir);
  ~RedisServer();
  RedisServer(RedisServer const&) = delete;
  RedisServer& operator=(RedisServer const&) = delete;
  [[nodiscard]] std::string const& socket() const { return socket_; }
  [[nodiscard]] int port() const { return port_; }
  /// As if the machine lost power; Start brings it back at the same places, empty.
  void Kill();
  void Start();

 private:
  std::string dir_;
  std::string socket_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace trellis::testing
