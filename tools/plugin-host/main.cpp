// trellis-plugin-host: the process that one isolated plugin runs in. Started by the daemon only,
// with its socket as descriptor 3; ends with it.
#include "tools/plugin-host/session.hpp"

#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

namespace {

constexpr int kSocket = 3;

bool IsSocket(int fd) {
  struct stat about {};
  return ::fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || !IsSocket(kSocket)) {
    fmt::print(stderr, "trellis-plugin-host is started by trellisd, not by hand\n");
    return 2;
  }
  (void)::prctl(PR_SET_NAME, argv[1]);
  trellis::plugin_host::Session session(trellis::sys::UniqueFd(kSocket), argv[1]);
  return session.Run();
}
