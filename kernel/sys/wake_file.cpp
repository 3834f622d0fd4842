#include "kernel/sys/wake_file.hpp"

#include "kernel/sys/errors.hpp"
#include "kernel/sys/files.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

namespace trellis::sys {

Result<WakeFile> WakeFile::Open(std::filesystem::path const& file) {
  TRELLIS_TRY(auto fd, OpenFile(file, O_WRONLY | O_CREAT, kPrivateFile));
  return WakeFile(std::move(fd));
}

void WakeFile::Notify() const {
  // The same byte again and again: the write is the message.
  [[maybe_unused]] auto const written = ::pwrite(fd_.get(), "\n", 1, 0);
}

Result<WakeWaiter> WakeWaiter::Open(std::filesystem::path const& file) {
  UniqueFd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify) return Fail("watch", file.native());
  if (::inotify_add_watch(inotify.get(), file.c_str(), IN_MODIFY) < 0)
    return Fail("watch", file.native());
  return WakeWaiter(std::move(inotify));
}

Result<bool> WakeWaiter::Wait(std::chrono::milliseconds timeout, int interrupt) {
  auto const ms = std::clamp<std::int64_t>(timeout.count(), 0, std::numeric_limits<int>::max());
  std::array<pollfd, 2> fds{{{inotify_.get(), POLLIN, 0}, {interrupt, POLLIN, 0}}};
  int const ready = ::poll(fds.data(), fds.size(), static_cast<int>(ms));
  if (ready < 0 && errno != EINTR) return Fail("poll", "wake file");
  bool notified = false;
  std::array<char, 4096> events{};
  while (::read(inotify_.get(), events.data(), events.size()) > 0)
    notified = true;
  return notified;
}

Result<InterruptFlag> InterruptFlag::Make() {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) return Fail("create", "eventfd");
  return InterruptFlag(std::move(fd));
}

void InterruptFlag::Set() const {
  [[maybe_unused]] auto const done = ::eventfd_write(fd_.get(), 1);
}

}  // namespace trellis::sys
