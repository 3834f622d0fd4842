#include "tools/keeper/process.hpp"

#include "kernel/sys/errors.hpp"
#include "kernel/sys/files.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>

namespace trellis::keeper {

namespace {

namespace fs = std::filesystem;

constexpr int kFirstFd = 3;
constexpr int kParkedFd = 64;  // above everything that becomes 3, 4, …
constexpr std::size_t kMaxArguments = 256;
constexpr std::size_t kMaxProcessFds = 8;
constexpr std::uint32_t kMaxStopTimeout = 900;

fs::path CgroupOf(std::string const& name) {
  auto flat = name;
  std::replace(flat.begin(), flat.end(), '/', '_');
  return fs::path("/sys/fs/cgroup/trellis") / flat;
}

/// Best effort: many machines give a service no cgroup of its own.
std::optional<fs::path> MakeCgroup(std::string const& name, ProcessSpec const& spec) {
  if (!spec.cgroup) return std::nullopt;
  auto const folder = CgroupOf(name);
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return std::nullopt;
  (void)sys::WriteExisting("/sys/fs/cgroup/cgroup.subtree_control", "+memory +cpu");
  (void)sys::WriteExisting(folder.parent_path() / "cgroup.subtree_control", "+memory +cpu");
  if (spec.cgroup->memory != 0)
    (void)sys::WriteExisting(folder / "memory.max", std::to_string(spec.cgroup->memory));
  if (spec.cgroup->cpu != 0)
    (void)sys::WriteExisting(folder / "cpu.weight", std::to_string(spec.cgroup->cpu));
  return folder;
}

/// Everything the child needs, made before the fork.
struct Launch {
  std::vector<std::string> environment;
  std::vector<char*> argv;
  std::vector<char*> envp;
  std::string cwd;
  std::string user;
  uid_t uid = 0;
  gid_t gid = 0;
  std::uint32_t nofile = 0;
  sys::UniqueFd netns;
  std::optional<fs::path> cgroup;
  std::vector<int> fds;
  int output = -1;
  int report = -1;
};

/// What the child tells when it cannot become the program.
struct Trouble {
  int number = 0;
  std::array<char, 12> step{};
};

[[noreturn]] void GiveUp(int report, std::string_view step) {
  Trouble trouble;
  trouble.number = errno;
  step.copy(trouble.step.data(), trouble.step.size() - 1);
  (void)!::write(report, &trouble, sizeof trouble);
  ::_exit(127);
}

/// Puts the descriptors to 0, 1, 2, 3, … and answers the report pipe's new number.
int ArrangeFds(Launch const& launch) {
  int const report = ::fcntl(launch.report, F_DUPFD_CLOEXEC, kParkedFd);
  if (report < 0) GiveUp(launch.report, "descriptors");
  std::vector<int> parked;
  for (int const fd : launch.fds)
    parked.push_back(::fcntl(fd, F_DUPFD_CLOEXEC, kParkedFd));
  int const output = ::fcntl(launch.output, F_DUPFD_CLOEXEC, kParkedFd);
  int const input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (::dup2(input, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0)
    GiveUp(report, "output");
  int next = kFirstFd;
  for (int const fd : parked) {
    if (::dup2(fd, next++) < 0) GiveUp(report, "descriptors");
  }
  (void)::close_range(static_cast<unsigned>(next), ~0U, CLOSE_RANGE_CLOEXEC);
  return report;
}

[[noreturn]] void RunChild(Launch& launch) {
  ::setsid();
  for (int number = 1; number < NSIG; ++number)
    (void)::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (launch.cgroup) (void)sys::WriteExisting(*launch.cgroup / "cgroup.procs", "0");
  if (launch.netns.valid() && ::setns(launch.netns.get(), CLONE_NEWNET) != 0)
    GiveUp(launch.report, "netns");
  int const report = ArrangeFds(launch);
  if (launch.nofile != 0) {
    rlimit const limit{launch.nofile, launch.nofile};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) GiveUp(report, "nofile");
  }
  if (!launch.user.empty()) {
    if (::initgroups(launch.user.c_str(), launch.gid) != 0 || ::setgid(launch.gid) != 0 ||
        ::setuid(launch.uid) != 0)
      GiveUp(report, "user");
  }
  if (::chdir(launch.cwd.empty() ? "/" : launch.cwd.c_str()) != 0) GiveUp(report, "cwd");
  if (!launch.fds.empty()) {
    launch.environment.push_back("LISTEN_PID=" + std::to_string(::getpid()));
    launch.envp.back() = launch.environment.back().data();
    launch.envp.push_back(nullptr);
  }
  ::execve(launch.argv.front(), launch.argv.data(), launch.envp.data());
  GiveUp(report, "exec");
}

void FillEnvironment(Launch& launch, ProcessSpec const& spec) {
  for (auto const& [key, value] : spec.env)
    launch.environment.push_back(key + "=" + value);
  if (!launch.fds.empty()) {
    launch.environment.push_back("LISTEN_FDS=" + std::to_string(launch.fds.size()));
    launch.environment.push_back(fmt::format("LISTEN_FDNAMES={}", fmt::join(spec.listen_fds, ":")));
  }
  launch.environment.reserve(launch.environment.size() + 1);  // LISTEN_PID must not move the others
  for (auto& line : launch.environment)
    launch.envp.push_back(line.data());
  launch.envp.push_back(nullptr);
}

Result<void> FillUser(Launch& launch, std::string const& user) {
  if (user.empty()) return {};
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return Fail(Code::kNotFound, "no user '{}'", user);
  launch.user = user;
  launch.uid = entry.pw_uid;
  launch.gid = entry.pw_gid;
  return {};
}

}  // namespace

Result<ProcessSpec> ParseSpec(json::Value const& value) {
  ProcessSpec spec;
  TRELLIS_CHECK(json::Decode(value, spec));
  if (spec.argv.empty() || !spec.argv.front().starts_with('/'))
    return Fail(Code::kInvalid, "argv starts with the absolute path of a program");
  if (spec.argv.size() > kMaxArguments) return Fail(Code::kInvalid, "argv is too long");
  if (spec.restart != "always" && spec.restart != "on-failure" && spec.restart != "never")
    return Fail(Code::kInvalid, "restart is always, on-failure or never");
  if (!spec.netns.empty() && !spec.netns.starts_with('/'))
    return Fail(Code::kInvalid, "netns is an absolute path");
  for (auto const& [key, text] : spec.env) {
    if (key.empty() || key.find('=') != std::string::npos)
      return Fail(Code::kInvalid, "'{}' is not the name of an environment variable", key);
  }
  if (spec.listen_fds.size() > kMaxProcessFds)
    return Fail(Code::kInvalid, "more than {} descriptors", kMaxProcessFds);
  spec.stop_timeout_s = std::min(spec.stop_timeout_s, kMaxStopTimeout);
  return spec;
}

std::string IdentityOf(ProcessSpec const& spec) {
  struct stat facts {};
  bool const known = !spec.netns.empty() && ::stat(spec.netns.c_str(), &facts) == 0;
  return fmt::format("{} {}:{}", json::Dump(spec), known ? facts.st_dev : 0,
                     known ? facts.st_ino : 0);
}

Result<pid_t> StartProcess(std::string const& name, ProcessSpec const& spec,
                           std::vector<sys::UniqueFd> const& fds, int output) {
  Launch launch;
  for (auto const& fd : fds)
    launch.fds.push_back(fd.get());
  auto argv = spec.argv;
  for (auto& word : argv)
    launch.argv.push_back(word.data());
  launch.argv.push_back(nullptr);
  FillEnvironment(launch, spec);
  TRELLIS_CHECK(FillUser(launch, spec.user));
  if (!spec.netns.empty()) {
    TRELLIS_TRY(launch.netns, sys::OpenFile(spec.netns, O_RDONLY));
  }
  launch.cwd = spec.cwd;
  launch.nofile = spec.nofile;
  launch.cgroup = MakeCgroup(name, spec);
  launch.output = output;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return sys::Fail("make", "pipe");
  sys::UniqueFd const told(ends[0]);
  sys::UniqueFd report(ends[1]);
  launch.report = report.get();
  // A plain fork is fine here: the keeper has one thread and little memory.
  pid_t const child = ::fork();
  if (child < 0) return sys::Fail("fork", name);
  if (child == 0) RunChild(launch);
  report.Reset();
  Trouble trouble;
  ssize_t got = -1;
  do {
    got = ::read(told.get(), &trouble, sizeof trouble);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof trouble)) return child;  // closed by exec
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return sys::FailWith(trouble.number, trouble.step.data(), spec.argv.front());
}

void KillEverything(std::string const& name, pid_t leader) {
  (void)::kill(-leader, SIGKILL);
  (void)sys::WriteExisting(CgroupOf(name) / "cgroup.kill", "1");
}

}  // namespace trellis::keeper
