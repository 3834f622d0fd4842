// One client of the proxy and its backend inside a user network. One thread.
#pragma once

#include "plugins/gateway/daemon/loop.hpp"
#include "plugins/gateway/daemon/pump.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace trellis::plugins::gateway {

/// Where a backend is.
struct Place {
  std::string netns;  ///< absolute path
  std::string ip;
  std::uint16_t port = 0;
};

/// A socket of the namespace that connects to the place; the connection may
/// still be under way. kNotFound when the namespace is gone.
Result<UniqueFd> Dial(Place const& place);

class Connection {
 public:
  using Ended = std::function<void(Connection*)>;

  /// Dials and forwards. `ended` is told once, from the loop, and destroys it.
  static Result<std::unique_ptr<Connection>> Open(Loop& loop, UniqueFd client, Place const& place,
                                                  Ended ended);
  ~Connection();
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;

  [[nodiscard]] bool connecting() const { return connecting_; }
  [[nodiscard]] std::chrono::steady_clock::time_point since() const { return since_; }

 private:
  Connection(Loop& loop, UniqueFd client, UniqueFd server, Pump up, Pump down, Ended ended);
  void OnEvent(int fd, std::uint32_t events);
  bool Step(int fd, std::uint32_t events);
  void Listen();
  void ListenTo(int fd, Pump const& from, Pump const& to, bool& there);

  Loop& loop_;
  UniqueFd client_;
  UniqueFd server_;
  Pump up_;
  Pump down_;
  Ended ended_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  bool connecting_ = true;
  bool client_there_ = true;  // still asked for events
  bool server_there_ = true;
};

}  // namespace trellis::plugins::gateway
