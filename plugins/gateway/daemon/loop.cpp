#include "plugins/gateway/daemon/loop.hpp"

#include <sys/epoll.h>

#include <array>

namespace trellis::plugins::gateway {

namespace {

// What was waiting for a descriptor that has been closed meanwhile must not reach the next one of
// the same number.
epoll_event EventOf(int fd, std::uint32_t turn, std::uint32_t events) {
  constexpr unsigned kHalf = 32;
  epoll_event event{};
  event.events = events;
  event.data.u64 = std::uint64_t{turn} << kHalf | static_cast<std::uint32_t>(fd);
  return event;
}

}  // namespace

Result<Loop> Loop::Open() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return FailErrno("make an event queue");
  return Loop(std::move(epoll));
}

Result<void> Loop::Add(int fd, std::uint32_t events, Handler handler) {
  auto event = EventOf(fd, ++turns_, events);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    return FailErrno("wait for a descriptor");
  handlers_[fd] = {turns_, std::move(handler)};
  return {};
}

void Loop::Change(int fd, std::uint32_t events) {
  auto const known = handlers_.find(fd);
  if (known == handlers_.end()) return;
  auto event = EventOf(fd, known->second.turn, events);
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);  // known, so it cannot fail
}

void Loop::Remove(int fd) {
  if (handlers_.erase(fd) != 0) (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

Result<void> Loop::Turn(std::chrono::milliseconds limit) {
  constexpr int kMost = 64;
  std::array<epoll_event, kMost> events{};
  int const count =
      ::epoll_wait(epoll_.get(), events.data(), kMost, static_cast<int>(limit.count()));
  if (count < 0 && errno != EINTR) return FailErrno("wait for events");
  for (int i = 0; i < count; ++i) {
    auto const& event = events.at(static_cast<std::size_t>(i));
    auto const fd = static_cast<int>(static_cast<std::uint32_t>(event.data.u64));
    auto const found = handlers_.find(fd);
    // Removed by one before it?
    if (found == handlers_.end() || EventOf(fd, found->second.turn, 0).data.u64 != event.data.u64)
      continue;
    auto const handler = found->second.handler;  // it may remove itself
    handler(event.events);
  }
  return {};
}

}  // namespace trellis::plugins::gateway
