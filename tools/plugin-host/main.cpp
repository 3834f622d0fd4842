// trellis-plugin-host: the process that one isolated plugin runs in. Started by the daemon only,
// with its socket as descriptor 3; ends with it. `--describe FILE FOLDER` only tells what a plugin
// is.
#include "kernel/plugin/describe.hpp"
#include "kernel/sys/files.hpp"
#include "tools/plugin-host/sandbox.hpp"
#include "tools/plugin-host/session.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>

namespace {

constexpr int kSocket = 3;

bool IsSocket(int fd) {
  struct stat about {};
  return ::fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode);
}

/// What the plugin is, as one line on standard output, which the plugin itself does not get.
/// `scratch`: of the plugin's folders. It runs with no right at all.
[[noreturn]] void Describe(char const* file, char const* scratch) {
  trellis::sys::UniqueFd const out(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  if (!out.valid() || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) ::_exit(1);
  trellis::plugin::DescribeFolders const folders(scratch);
  auto const confined =
      trellis::plugin_host::EnterSandbox({{}, file, folders.state_dir, folders.run_dir});
  auto const text =
      trellis::plugin::DescriptionText(confined ? trellis::plugin::DescribeHere(file, folders)
                                                : tl::unexpected<trellis::Error>(confined.error()));
  // What the plugin would do at the end of the process is not of interest.
  ::_exit(trellis::sys::WriteAll(out.get(), text) ? 0 : 1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "--describe") Describe(argv[2], argv[3]);
  if (argc != 2 || !IsSocket(kSocket)) {
    fmt::print(stderr, "trellis-plugin-host is started by trellisd, not by hand\n");
    return 2;
  }
  (void)::prctl(PR_SET_NAME, argv[1]);
  // What a thread frees is for all: there may be many, of which few do anything at a time.
  (void)::mallopt(M_ARENA_MAX, 2);
  trellis::plugin_host::Session session(trellis::sys::UniqueFd(kSocket), argv[1]);
  return session.Run();
}
