#include "kernel/sys/process.hpp"

#include "kernel/sys/errors.hpp"
#include "kernel/sys/files.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

namespace trellis::sys {
namespace {

constexpr int kFirstSafeFd = 128;  // above every number a mapping asks for

class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(FileActions const&) = delete;
  FileActions& operator=(FileActions const&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

class Attributes {
 public:
  explicit Attributes(bool own_group) {
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (own_group) flags |= POSIX_SPAWN_SETPGROUP;
    posix_spawnattr_setflags(&attributes_, static_cast<short>(flags));
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(Attributes const&) = delete;
  Attributes& operator=(Attributes const&) = delete;
  posix_spawnattr_t* get() { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (auto& text : texts)
    pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Maps through high copies, so that a target never overwrites a source still needed.
Result<std::vector<UniqueFd>> AddFds(FileActions& actions, std::vector<FdMapping> const& fds) {
  std::vector<UniqueFd> copies;
  for (auto const& mapping : fds) {
    UniqueFd copy(::fcntl(mapping.parent, F_DUPFD_CLOEXEC, kFirstSafeFd));
    if (!copy) return Fail("duplicate", fmt::format("fd {}", mapping.parent));
    posix_spawn_file_actions_adddup2(actions.get(), copy.get(), mapping.child);
    copies.push_back(std::move(copy));
  }
  bool const has_input = std::ranges::any_of(fds, [](auto const& m) { return m.child == 0; });
  if (!has_input) posix_spawn_file_actions_addopen(actions.get(), 0, "/dev/null", O_RDONLY, 0);
  return copies;
}

int PollTimeout(std::chrono::milliseconds timeout) {
  return static_cast<int>(
      std::clamp<std::int64_t>(timeout.count(), 0, std::numeric_limits<int>::max()));
}

/// Appends what can be read; false at the end.
Result<bool> Drain(UniqueFd& fd, std::string& into) {
  constexpr std::size_t kChunk = 16U << 10U;
  std::size_t const size = into.size();
  into.resize(size + kChunk);
  ssize_t const got = ::read(fd.get(), into.data() + size, kChunk);
  into.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0 && errno != EINTR) return Fail("read", "pipe of a tool");
  if (into.size() > kMaxToolOutput) return trellis::Fail(Code::kExhausted, "too much output");
  if (got == 0) fd.Reset();
  return got != 0;
}

using Deadline = std::chrono::steady_clock::time_point;

std::chrono::milliseconds Until(Deadline deadline) {
  return std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
}

struct ToolOutput {
  std::string out;
  std::string err;
};

Result<ToolOutput> Collect(UniqueFd out, UniqueFd err, Deadline deadline) {
  ToolOutput output;
  while (out || err) {
    std::array<pollfd, 2> fds{{{out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}}};
    int const ready = ::poll(fds.data(), fds.size(), PollTimeout(Until(deadline)));
    if (ready < 0 && errno != EINTR) return Fail("poll", "pipes of a tool");
    if (ready == 0) return trellis::Fail(Code::kTimeout, "timed out");
    if (fds[0].revents != 0) TRELLIS_CHECK(Drain(out, output.out));
    if (fds[1].revents != 0) TRELLIS_CHECK(Drain(err, output.err));
  }
  return output;
}

}  // namespace

std::string ExitStatus::ToString() const {
  return signal != 0 ? fmt::format("killed by signal {}", signal)
                     : fmt::format("exit code {}", code);
}

Result<ChildProcess> ChildProcess::Spawn(SpawnOptions const& options) {
  if (options.argv.empty()) return trellis::Fail(Code::kInvalid, "spawn: no program");
  FileActions actions;
  TRELLIS_TRY(auto const copies, AddFds(actions, options.fds));
  if (!options.cwd.empty())
    posix_spawn_file_actions_addchdir_np(actions.get(), options.cwd.c_str());
  Attributes attributes(options.own_group);
  auto arguments = options.argv;
  auto variables = options.env.value_or(std::vector<std::string>());
  auto const argv = Pointers(arguments);
  auto const envp = Pointers(variables);
  pid_t pid = -1;
  int const failed = ::posix_spawnp(&pid, argv[0], actions.get(), attributes.get(), argv.data(),
                                    options.env ? envp.data() : environ);
  if (failed != 0) return FailWith(failed, "start", options.argv[0]);
  ChildProcess child(pid, UniqueFd(), options.own_group);
  // Not by its wrapper: glibc 2.36 declares that without C linkage. CLOEXEC by itself.
  child.pidfd_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!child.pidfd_) return Fail("watch", options.argv[0]);
  return child;
}

ChildProcess::~ChildProcess() {
  if (pid_ < 0) return;
  Kill(SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      own_group_(other.own_group_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(own_group_, other.own_group_);
  return *this;
}

Result<ExitStatus> ChildProcess::Wait(std::chrono::milliseconds timeout) {
  if (pid_ < 0) return trellis::Fail(Code::kNotFound, "child process was waited for already");
  Deadline const deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    pollfd fd{pidfd_.get(), POLLIN, 0};
    int const ready = ::poll(&fd, 1, PollTimeout(Until(deadline)));
    if (ready > 0) break;
    if (ready < 0 && errno != EINTR) return Fail("wait for", fmt::format("process {}", pid_));
    if (ready == 0) return trellis::Fail(Code::kTimeout, "process {} still runs", pid_);
  }
  int status = 0;
  if (::waitpid(pid_, &status, 0) < 0) return Fail("wait for", fmt::format("process {}", pid_));
  pid_ = -1;
  if (WIFSIGNALED(status)) return ExitStatus{.code = 0, .signal = WTERMSIG(status)};
  return ExitStatus{.code = WEXITSTATUS(status), .signal = 0};
}

void ChildProcess::Kill(int signal) const {
  if (pid_ > 0) ::kill(own_group_ ? -pid_ : pid_, signal);
}

pid_t ChildProcess::Release() {
  return std::exchange(pid_, -1);
}

Result<Pipe> Pipe::Make() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return Fail("create", "pipe");
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Result<std::string> RunTool(std::vector<std::string> argv, std::chrono::milliseconds timeout) {
  constexpr std::size_t kErrorTail = 500;
  Deadline const deadline = std::chrono::steady_clock::now() + timeout;
  std::string const name = argv.empty() ? "" : argv[0];
  auto const context = [&](Error error) { return std::move(error).With("run '{}'", name); };
  TRELLIS_TRY(auto out, Pipe::Make());
  TRELLIS_TRY(auto err, Pipe::Make());
  SpawnOptions options;
  options.argv = std::move(argv);
  options.fds = {{out.write.get(), 1}, {err.write.get(), 2}};
  options.own_group = true;
  TRELLIS_TRY(auto child, ChildProcess::Spawn(options));
  out.write.Reset();
  err.write.Reset();
  TRELLIS_TRY(auto output,
              Collect(std::move(out.read), std::move(err.read), deadline).map_error(context));
  TRELLIS_TRY(auto const status, child.Wait(Until(deadline)).map_error(context));
  if (status.ok()) return std::move(output.out);
  auto const tail = output.err.size() > kErrorTail ? output.err.size() - kErrorTail : 0;
  auto text = output.err.substr(tail);
  text.erase(text.find_last_not_of(" \n\r\t") + 1);
  return trellis::Fail(Code::kIo, "run '{}': {}: {}", name, status.ToString(), text);
}

}  // namespace trellis::sys
