// Waits for descriptors and calls who waits for them. One thread.
#pragma once

#include "plugins/common/posix/files.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <unordered_map>

namespace trellis::plugins::gateway {

class Loop {
 public:
  using Handler = std::function<void(std::uint32_t events)>;

  static Result<Loop> Open();

  /// Calls `handler` for these events (EPOLLIN, …) of `fd` until Remove.
  Result<void> Add(int fd, std::uint32_t events, Handler handler);
  /// OK when not known.
  void Change(int fd, std::uint32_t events);
  /// Before the descriptor is closed.
  void Remove(int fd);
  /// Waits once, at most `limit`, and calls the handlers.
  Result<void> Turn(std::chrono::milliseconds limit);

 private:
  explicit Loop(UniqueFd epoll) : epoll_(std::move(epoll)) {}

  struct Known {
    std::uint32_t turn = 0;  // of its number: one closed and opened again is another
    Handler handler;
  };
  UniqueFd epoll_;
  std::uint32_t turns_ = 0;
  std::unordered_map<int, Known> handlers_;
};

}  // namespace trellis::plugins::gateway
