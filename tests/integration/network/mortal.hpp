// A process that is killed in the middle of its work.
#pragma once

#include <functional>
#include <string>

namespace trellis::testing {

struct Death {
  bool killed = false;  ///< else it came to its end
  int changes = 0;      ///< calls that were let through, or would have been next
  int status = 0;       ///< of the one that came to its end
};

/// Runs `prepare` and `act` in a child of the calling process, and kills it (SIGKILL) before the
/// `at`-th system call of `act` that changes something in the kernel or a file: a netlink request
/// or batch that is no question, a message to another process, mount, umount, unlink, rename. 0 =
/// never. `act` gives the exit status. What `prepare` started is not watched.
Death RunMortal(int at, std::function<void()> const& prepare, std::function<int()> const& act);

}  // namespace trellis::testing
