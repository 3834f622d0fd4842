// trellis-logstream: sends the log of one machine to one peer. Started by the zlogs plugin:
//   argv   trellis-logstream --id <workload id>
//   env    OUTPUT    the URL; not in argv, it may hold a password
//          SETTINGS  JSON of settings.hpp
//          LOG       name of the log in its folder
//   fds    3 the folder of the log, 4 the log, 5 the state file
#include "plugins/zlogs/daemon/confine.hpp"
#include "plugins/zlogs/daemon/streamer.hpp"
#include "plugins/zlogs/daemon/watch.hpp"

#include <fcntl.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace trellis::plugins;         // NOLINT: the program is one function of it
using namespace trellis::plugins::zlogs;  // NOLINT

constexpr int kFolderFd = 3;
constexpr int kLogFd = 4;
constexpr int kStateFd = 5;
constexpr std::chrono::milliseconds kWithoutWatch{250};
constexpr int kUsage = 2;

std::string Variable(char const* name) {
  char const* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): no thread yet
  return value == nullptr ? std::string() : value;
}

UniqueFd Inherited(int fd) {
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return {};
  return UniqueFd(fd);
}

trellis::Result<void> Stream() {
  TRELLIS_TRY(auto const output, ParseOutput(Variable("OUTPUT")));
  TRELLIS_TRY(auto const settings, trellis::json::Parse<Settings>(Variable("SETTINGS")));
  auto folder = Inherited(kFolderFd);
  auto log = Inherited(kLogFd);
  StatusFile file(Inherited(kStateFd));
  if (!folder) return trellis::Fail(trellis::Code::kInvalid, "there is no folder of the log");
  TRELLIS_CHECK(Confine());
  Loop loop;
  int const watched = folder.get();
  LogReader reader(std::move(folder), std::move(log), Variable("LOG"),
                   {settings.tail, settings.lag_limit, settings.lag_keep});
  TRELLIS_CHECK(reader.Start(file.Read().position));
  Streamer streamer({loop, reader, file, output, settings});
  Watch const watch(loop, watched, [&streamer] { streamer.Changed(); });
  if (!watch.works()) streamer.LookEvery(kWithoutWatch);
  streamer.Run();
  return {};
}

}  // namespace

int main() {
  if (Variable("OUTPUT").empty() || Variable("LOG").empty()) {
    std::fputs("trellis-logstream is started by the zlogs plugin\n", stderr);
    return kUsage;
  }
  (void)std::signal(SIGPIPE, SIG_IGN);
  auto const done = Stream();
  if (done) return 0;
  fmt::print(stderr, "{}\n", done.error().message);
  return 1;
}
