#include "plugins/zlogs/daemon/watch.hpp"

#include "plugins/common/posix/files.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>

namespace trellis::plugins::zlogs {

Watch::Watch(Loop& loop, int folder, Changed changed)
    : events_(loop.io()), changed_(std::move(changed)) {
  UniqueFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd || ::fchdir(folder) != 0) return;
  constexpr auto kEvents = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
  if (::inotify_add_watch(fd.get(), ".", kEvents | IN_ONLYDIR) < 0) return;
  boost::system::error_code failed;
  events_.assign(fd.get(), failed);
  if (failed) return;
  (void)fd.Release();
  Listen();
}

void Watch::Listen() {
  events_.async_read_some(boost::asio::buffer(buffer_),
                          [this](boost::system::error_code failed, std::size_t) {
                            if (failed) return;
                            changed_();
                            Listen();
                          });
}

}  // namespace trellis::plugins::zlogs
