// Tells when something happens in the folder of the log.
#pragma once

#include "plugins/zlogs/daemon/loop.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <array>
#include <functional>
#include <string>

namespace trellis::plugins::zlogs {

/// By inotify. The folder is watched, not the file: the streamer's user may not be allowed to.
class Watch {
 public:
  using Changed = std::function<void()>;

  /// Moves the process into `folder`, so that no path to it is needed.
  Watch(Loop& loop, int folder, Changed changed);

  /// False: the machine has no watches left, so look often.
  [[nodiscard]] bool works() const { return events_.is_open(); }

 private:
  void Listen();

  boost::asio::posix::stream_descriptor events_;
  Changed changed_;
  std::array<char, 4096> buffer_{};
};

}  // namespace trellis::plugins::zlogs
