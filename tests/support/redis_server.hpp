// A real Redis server of a test's own, on a unix socket and any free port. Keeps nothing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace trellis::testing {

/// Lives as long as the object.
class RedisServer {
 public:
  RedisServer();
  ~RedisServer();
  RedisServer(RedisServer const&) = delete;
  RedisServer& operator=(RedisServer const&) = delete;
  [[nodiscard]] std::string const& socket() const { return socket_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
  /// What redis-cli says.
  std::string Ask(std::vector<std::string> const& command) const;
  /// As if the machine lost power; Start brings it back at the same places, empty.
  void Kill();
  void Start();

 private:
  std::string dir_;
  std::string socket_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace trellis::testing
