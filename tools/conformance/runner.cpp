#include "tools/conformance/runner.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace trellis::conformance {

namespace {

constexpr std::chrono::seconds kCheckLimit{60};
constexpr char kDoing = '@';
constexpr char kDid = '-';
constexpr char kWants = '+';
constexpr char kDone = '.';

struct Seen {
  std::string doing;
  std::string did;
  std::string wants;
  bool done = false;

  void Take(std::string_view line) {
    if (line.empty()) return;
    std::string const text(line.substr(1));
    if (line[0] == kDoing) doing = text;
    if (line[0] == kDid) did = text;
    if (line[0] == kWants) wants = text;
    if (line[0] == kDone) done = true;
  }
};

/// Lines until the end of the pipe; false when `limit` passed before it.
bool ReadLines(int fd, std::chrono::seconds limit, Seen& seen) {
  auto const end = std::chrono::steady_clock::now() + limit;
  std::string text;
  std::array<char, 4096> chunk{};
  while (true) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(left.count())) <= 0) continue;
    auto const got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n')) {
      seen.Take(std::string_view(text).substr(0, at));
      text.erase(0, at + 1);
    }
  }
}

[[noreturn]] void RunChild(Check const& check, Setting const& setting, int fd,
                           std::filesystem::path const& dir) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)::setpgid(0, 0);
  // Every folder that this check or the plugin makes lies in one that the runner removes.
  (void)::setenv("TMPDIR", dir.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): one thread yet
  Probe probe(fd);
  try {
    check.run(setting, probe);
  } catch (std::exception const& e) {
    probe.Fail(fmt::format("an exception left the plugin: {}", e.what()),
               "no exception crosses the boundary");
  } catch (...) {
    probe.Fail("an exception left the plugin", "no exception crosses the boundary");
  }
  probe.Done();
}

std::string HowItEnded(int status, std::string const& doing) {
  std::string const during = doing.empty() ? std::string() : " during " + doing;
  if (WIFSIGNALED(status))
    return fmt::format("the process died of SIG{}{}", ::sigabbrev_np(WTERMSIG(status)), during);
  return fmt::format("the process ended itself with code {}{}", WEXITSTATUS(status), during);
}

}  // namespace

void Probe::Line(char kind, std::string_view text) {
  std::string line(1, kind);
  for (char const c : text.substr(0, 2000))
    line += c == '\n' ? ' ' : c;
  line += '\n';
  (void)!::write(fd_, line.data(), line.size());
}

void Probe::Fail(std::string_view did, std::string_view wants) {
  Line(kDid, did);
  Line(kWants, wants);
  ::_exit(1);
}

void Probe::Done() {
  Line(kDone, {});
  ::_exit(0);
}

Verdict Run(Check const& check, Setting const& setting) {
  std::string dir = (std::filesystem::temp_directory_path() / "trellis-check-XXXXXX").string();
  std::array<int, 2> pipe{};
  if (::mkdtemp(dir.data()) == nullptr || ::pipe2(pipe.data(), O_CLOEXEC) != 0)
    return {false, "there is no room for a temporary folder", "a machine to run on"};
  // Before any thread: a copy of this process, so that the plugin is loaded there and not here.
  pid_t const child = ::fork();
  if (child == 0) {
    ::close(pipe[0]);
    RunChild(check, setting, pipe[1], dir);
  }
  ::close(pipe[1]);
  Seen seen;
  bool const in_time = child > 0 && ReadLines(pipe[0], kCheckLimit + setting.patience, seen);
  ::close(pipe[0]);
  int status = 0;
  if (child > 0) {
    if (!in_time) (void)::kill(child, SIGKILL);
    (void)::waitpid(child, &status, 0);
    (void)::kill(-child, SIGKILL);  // what the plugin left running
  }
  std::error_code ignored;
  std::filesystem::remove_all(dir, ignored);
  if (seen.done) return {true, {}, {}};
  if (!seen.did.empty()) return {false, seen.did, seen.wants};
  if (!in_time)
    return {false, fmt::format("nothing came back from {}", seen.doing),
            "operations end by their deadline, pure ones at once"};
  return {false, HowItEnded(status, seen.doing), "nothing ends the process"};
}

}  // namespace trellis::conformance
