// trellis-keeper: owns the data processes of one node and outlives its daemon.
#include "tools/keeper/keeper.hpp"

#include <trellis/result.hpp>

#include <fmt/core.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>

namespace {

using trellis::Code;
using trellis::Fail;
using trellis::Result;

constexpr char const* kUsage =
    "usage: trellis-keeper --run-dir DIR --state-dir DIR [--ready-fd N]\n"
    "Runs in the background and serves DIR/keeper.sock. With --ready-fd it writes one byte\n"
    "there once it listens.\n";

struct Options {
  std::string run_dir;
  std::string state_dir;
  int ready_fd = -1;
};

Result<Options> ParseOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string_view const key = argv[i];
    std::string_view const value = argv[i + 1];
    if (key == "--run-dir") {
      options.run_dir = value;
    } else if (key == "--state-dir") {
      options.state_dir = value;
    } else if (key == "--ready-fd") {
      std::from_chars(value.data(), value.data() + value.size(), options.ready_fd);
    } else {
      return Fail(Code::kInvalid, "unknown option '{}'", key);
    }
  }
  if (argc % 2 == 0 || options.run_dir.empty() || options.state_dir.empty())
    return Fail(Code::kInvalid, "--run-dir and --state-dir are needed");
  return options;
}

/// Only the child of a forked parent goes on, with its own session, so that nobody has to wait for
/// it.
void GoToBackground() {
  if (::fork() != 0) ::_exit(0);
  ::setsid();
  (void)!::chdir("/");
}

}  // namespace

int main(int argc, char** argv) {
  auto const options = ParseOptions(argc, argv);
  if (!options) {
    fmt::print(stderr, "trellis-keeper: {}\n{}", options.error().message, kUsage);
    return 2;
  }
  GoToBackground();
  auto keeper = trellis::keeper::Keeper::Open(options->run_dir, options->state_dir);
  if (!keeper && keeper.error().code != Code::kBusy) {
    fmt::print(stderr, "trellis-keeper: {}\n", keeper.error().message);
    return 1;
  }
  if (options->ready_fd >= 0) {
    (void)!::write(options->ready_fd, "1", 1);
    ::close(options->ready_fd);
  }
  // Busy: another keeper serves this directory already, which is all that was asked for.
  if (keeper) (*keeper)->Run();
  return 0;
}
