// What the mount table calls the mount of a file server.
#pragma once

#include <fmt/format.h>
#include <sys/types.h>

#include <string>

namespace trellis::plugins::flist {

/// Of the process `pid`: whose mount it is can be told without asking the mount, which would wait
/// for a server that hangs.
inline std::string MountSourceOf(pid_t pid) {
  return fmt::format("flist-{}", pid);
}

}  // namespace trellis::plugins::flist
