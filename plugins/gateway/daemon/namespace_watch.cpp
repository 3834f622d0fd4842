#include "plugins/gateway/daemon/namespace_watch.hpp"

#include <linux/magic.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <array>
#include <vector>

namespace trellis::plugins::gateway {

namespace {

constexpr std::uint32_t kEvents = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;

}  // namespace

std::uint64_t NamespaceAt(std::string const& path) {
  struct statfs system {};
  struct stat file {};
  if (::statfs(path.c_str(), &system) != 0 || ::stat(path.c_str(), &file) != 0) return 0;
  // Where no namespace is mounted (any more) there is an empty file.
  return static_cast<std::uint64_t>(system.f_type) == NSFS_MAGIC ? file.st_ino : 0;
}

Result<std::unique_ptr<NamespaceWatch>> NamespaceWatch::Open(Loop& loop, Changed changed) {
  UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd) return FailErrno("watch for namespaces");
  std::unique_ptr<NamespaceWatch> watch(
      new NamespaceWatch(loop, std::move(fd), std::move(changed)));
  auto* const self = watch.get();
  TRELLIS_CHECK(loop.Add(self->fd_.get(), EPOLLIN, [self](std::uint32_t) { self->Read(); }));
  return watch;
}

NamespaceWatch::~NamespaceWatch() {
  loop_.Remove(fd_.get());
}

void NamespaceWatch::Watch(std::string const& path) {
  auto folder = path.substr(0, path.rfind('/') + 1);
  // The same number for a folder that is watched already.
  int const number = ::inotify_add_watch(fd_.get(), folder.c_str(), kEvents);
  if (number >= 0) folders_[number] = std::move(folder);
}

void NamespaceWatch::Read() {
  alignas(inotify_event) std::array<char, 16384> buffer{};
  auto const got = ::read(fd_.get(), buffer.data(), buffer.size());
  std::vector<std::string> paths;
  for (std::size_t at = 0; got > 0 && at < static_cast<std::size_t>(got);) {
    auto const* const event = reinterpret_cast<inotify_event const*>(buffer.data() + at);
    at += sizeof(inotify_event) + event->len;
    auto const folder = folders_.find(event->wd);
    if (folder == folders_.end()) continue;
    if (event->len != 0) paths.push_back(folder->second + event->name);
    if ((event->mask & IN_IGNORED) != 0) folders_.erase(folder);  // the folder itself is gone
  }
  for (auto const& path : paths)
    changed_(path);
}

}  // namespace trellis::plugins::gateway
