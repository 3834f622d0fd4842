#include "plugins/zmachine/probe/accel.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace trellis::plugins::zmachine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxReason = 200;

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd const&) = delete;
  Fd& operator=(Fd const&) = delete;
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { Close(); }
  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

/// A child in its own group; killed and reaped when it goes out of scope.
class Child {
 public:
  explicit Child(pid_t pid)
      : pid_(pid), handle_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  Child(Child const&) = delete;
  Child& operator=(Child const&) = delete;
  Child(Child&&) = delete;
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    // A task stuck in the kernel must not hold up the plugin's start: reap it only if it ends soon.
    constexpr int kGraceMs = 100;
    pollfd wait{.fd = handle_.get(), .events = POLLIN, .revents = 0};
    ::poll(&wait, 1, kGraceMs);
    ::waitpid(pid_, nullptr, WNOHANG);
  }

  /// True and the wait status when it has ended before `end`.
  bool WaitUntil(Clock::time_point end, int& status) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    pollfd wait{.fd = handle_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) != 1)
      return false;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
    pid_ = 0;
    return true;
  }

 private:
  pid_t pid_;
  Fd handle_;
};

/// Starts the program with its standard output on `out`. 0 and `pid`, or an errno.
int Spawn(std::filesystem::path const& program, int out, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  std::string path = program.string();
  std::array<char*, 2> argv = {path.data(), nullptr};
  std::array<char*, 1> env = {nullptr};
  int const error =
      ::posix_spawn(&pid, path.c_str(), &actions, &attributes, argv.data(), env.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

/// The first line of what the program printed, printable characters only.
std::string ReadReason(int fd) {
  std::array<char, kMaxReason> buffer{};
  auto const size = ::read(fd, buffer.data(), buffer.size());
  std::string line;
  for (char const c :
       std::string_view(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0)) {
    if (c < ' ' || c > '~') break;
    line += c;
  }
  return line;
}

AccelReport Tcg(std::string reason) {
  return {Accel::kTcg, std::move(reason)};
}

}  // namespace

AccelReport ProbeAccel(std::filesystem::path const& probe, std::chrono::milliseconds deadline) {
  auto const end = Clock::now() + deadline;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return Tcg("no pipe for the kvm probe");
  Fd const reader(ends[0]);
  Fd writer(ends[1]);
  pid_t pid = 0;
  if (int const error = Spawn(probe, writer.get(), pid); error != 0) {
    return Tcg(
        fmt::format("kvm probe '{}' did not start: {}", probe.string(), std::strerror(error)));
  }
  Child child(pid);
  writer.Close();
  int status = 0;
  if (!child.WaitUntil(end, status)) {
    return Tcg(fmt::format("kvm probe did not end within {} ms", deadline.count()));
  }
  auto reason = ReadReason(reader.get());
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {Accel::kKvm, std::move(reason)};
  if (reason.empty()) reason = fmt::format("kvm probe ended with status {}", status);
  return Tcg(std::move(reason));
}

}  // namespace trellis::plugins::zmachine
