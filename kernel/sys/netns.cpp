#include "kernel/sys/netns.hpp"

#include "kernel/sys/errors.hpp"
#include "kernel/sys/files.hpp"

#include <fcntl.h>
#include <sched.h>

#include <cstdlib>

namespace trellis::sys {

Result<NetnsScope> NetnsScope::Enter(std::filesystem::path const& file) {
  TRELLIS_TRY(auto previous, OpenFile("/proc/thread-self/ns/net", O_RDONLY));
  TRELLIS_TRY(auto const target, OpenFile(file, O_RDONLY));
  if (::setns(target.get(), CLONE_NEWNET) != 0) return Fail("enter namespace", file.native());
  return NetnsScope(std::move(previous));
}

NetnsScope::~NetnsScope() {
  // A thread that stays in a foreign namespace would work on the wrong network from now on.
  if (previous_ && ::setns(previous_.get(), CLONE_NEWNET) != 0) std::abort();
}

}  // namespace trellis::sys
