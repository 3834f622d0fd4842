#include "kernel/plugin/helper/loop.hpp"

#include "kernel/sys/errors.hpp"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>

namespace trellis::plugin {

Result<std::unique_ptr<HelperLoop>> HelperLoop::Open() {
  sys::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return sys::Fail("make", "epoll");
  sys::UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return sys::Fail("make", "eventfd");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wake.get();
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0)
    return sys::Fail("watch", "eventfd");
  return std::unique_ptr<HelperLoop>(new HelperLoop(std::move(epoll), std::move(wake)));
}

HelperLoop::~HelperLoop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  (void)::eventfd_write(wake_.get(), 1);
  thread_.join();
}

Result<void> HelperLoop::Watch(int fd, OnReady on_ready) {
  auto entry = std::make_shared<Entry>();
  entry->on_ready = std::move(on_ready);
  std::lock_guard const lock(mutex_);
  entries_.insert_or_assign(fd, std::move(entry));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    entries_.erase(fd);
    return sys::Fail("watch", "descriptor");
  }
  if (!thread_.joinable()) {
    thread_ = std::jthread([this](std::stop_token const& stop) {
      (void)::pthread_setname_np(::pthread_self(), "plug-io");
      Run(stop);
    });
  }
  return {};
}

void HelperLoop::Pause(int fd, bool paused) {
  std::lock_guard const lock(mutex_);
  if (!entries_.contains(fd)) return;
  epoll_event event{};
  event.events = paused ? 0U : EPOLLIN;
  event.data.fd = fd;
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);  // cannot fail for what is there
}

void HelperLoop::Forget(int fd) {
  std::shared_ptr<Entry> entry;
  {
    std::lock_guard const lock(mutex_);
    auto const found = entries_.find(fd);
    if (found == entries_.end()) return;
    entry = std::move(found->second);
    entries_.erase(found);
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  }
  std::lock_guard const running(entry->mutex);
  // Its captures end outside the call that may be forgetting itself.
  entry->on_ready = nullptr;
}

void HelperLoop::Run(std::stop_token const& stop) {
  std::array<epoll_event, 16> ready{};
  while (!stop.stop_requested()) {
    int const count = ::epoll_wait(epoll_.get(), ready.data(), ready.size(), -1);
    for (int i = 0; i < count; ++i) {
      int const fd = ready[static_cast<std::size_t>(i)].data.fd;
      std::shared_ptr<Entry> entry;
      {
        std::lock_guard const lock(mutex_);
        auto const found = entries_.find(fd);
        if (found != entries_.end()) entry = found->second;
      }
      if (entry == nullptr) continue;
      std::lock_guard const running(entry->mutex);
      auto const on_ready = entry->on_ready;  // a copy: it may forget itself
      if (on_ready) on_ready();
    }
  }
}

}  // namespace trellis::plugin
