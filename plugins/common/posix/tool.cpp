#include "plugins/common/posix/tool.hpp"

#include "plugins/common/posix/files.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>

namespace trellis::plugins {

namespace {

constexpr std::size_t kMaxOutput = std::size_t{64} << 10;
constexpr std::size_t kShownError = 500;
using Clock = std::chrono::steady_clock;

struct Pipe {
  UniqueFd read;
  UniqueFd write;
  std::string text;
};

Result<Pipe> MakePipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return FailErrno("make a pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1]), {}};
}

Result<pid_t> Spawn(std::vector<std::string> const& argv, Pipe const& out, Pipe const& err) {
  std::vector<char*> words;
  words.reserve(argv.size() + 1);
  for (auto const& word : argv)
    words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  std::string locale = "LC_ALL=C";
  std::array<char*, 3> env{path.data(), locale.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, err.write.get(), 2);
  pid_t pid = -1;
  int const failed = ::posix_spawnp(&pid, words[0], &actions, nullptr, words.data(), env.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed == 0) return pid;
  errno = failed;
  auto error = FailErrno("start '{}'", argv[0]).value();
  error.code = Code::kUnavailable;
  return tl::unexpected<Error>(std::move(error));
}

// Reads what is there; closes the pipe at its end.
void Drain(Pipe& pipe) {
  std::array<char, 4096> chunk{};
  auto const got = ::read(pipe.read.get(), chunk.data(), chunk.size());
  if (got < 0 && errno == EINTR) return;
  if (got <= 0) {
    pipe.read.Reset();
    return;
  }
  auto const room = kMaxOutput - std::min(kMaxOutput, pipe.text.size());
  pipe.text.append(chunk.data(), std::min(room, static_cast<std::size_t>(got)));
}

// False when the time is over before both pipes end.
bool Collect(Pipe& out, Pipe& err, Clock::time_point until) {
  while (out.read || err.read) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0) return false;
    std::array<pollfd, 2> waits{pollfd{out.read.get(), POLLIN, 0},
                                pollfd{err.read.get(), POLLIN, 0}};
    auto const wait = std::min<std::int64_t>(left.count(), 60'000);
    if (::poll(waits.data(), waits.size(), static_cast<int>(wait)) <= 0) continue;
    if (waits[0].revents != 0) Drain(out);
    if (waits[1].revents != 0) Drain(err);
  }
  return true;
}

}  // namespace

Result<std::string> RunTool(std::vector<std::string> const& argv, std::chrono::milliseconds limit) {
  TRELLIS_TRY(auto out, MakePipe());
  TRELLIS_TRY(auto err, MakePipe());
  TRELLIS_TRY(pid_t const pid, Spawn(argv, out, err));
  out.write.Reset();
  err.write.Reset();
  bool const ended = Collect(out, err, Clock::now() + limit);
  if (!ended) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) return Fail(Code::kTimeout, "'{}' did not end within {} ms", argv[0], limit.count());
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::move(out.text);
  auto text = err.text.substr(err.text.size() - std::min(err.text.size(), kShownError));
  std::ranges::replace(text, '\n', ' ');
  return Fail(Code::kIo, "'{}' failed with status {}: {}", argv[0],
              WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text);
}

}  // namespace trellis::plugins
