// A plugin that tries what its workload's data says and answers with the errno of it.
#include <trellis/abi.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

trl_host const* host = nullptr;

trl_bytes Bytes(std::string_view text) {
  return {text.data(), text.size()};
}
int NumberOf(std::string const& text) {
  return std::atoi(text.c_str());
}
/// The errno of a call's answer.
int Told(long answer) {
  return answer < 0 ? errno : 0;
}
int Closed(int fd) {
  int const error = Told(fd);
  if (fd >= 0) ::close(fd);
  return error;
}

int Bind(std::string const& port) {
  int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  address.sin_port = htons(static_cast<std::uint16_t>(NumberOf(port)));
  int const error = Told(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
  ::close(fd);
  return error;
}

int Run(std::string const& program) {
  pid_t child = -1;
  std::string name = program;
  std::array<char*, 2> argv{name.data(), nullptr};
  std::array<char*, 1> environment{nullptr};
  int const failed =
      ::posix_spawn(&child, program.c_str(), nullptr, nullptr, argv.data(), environment.data());
  if (failed != 0) return failed;
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : ECHILD;
}

/// Really uses that many MiB.
int Use(std::string const& mebibytes) {
  constexpr std::size_t kMebibyte = std::size_t{1} << 20U;
  static std::vector<std::vector<char>> kept;
  for (int i = 0; i < NumberOf(mebibytes); ++i)
    kept.emplace_back(kMebibyte, 'x');
  return 0;
}

int StartThreads(std::string const& count) {
  for (int i = 0; i < NumberOf(count); ++i)
    std::thread([] { ::pause(); }).detach();
  return ::pause();
}

int OpenMany(std::string const& count) {
  for (int i = 0; i < NumberOf(count); ++i) {
    if (::open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) return errno;
  }
  return 0;
}

int Loop(std::string const&) {
  volatile bool go_on = true;
  while (go_on) {
  }
  return 0;
}

/// Capability numbers beyond the known ones do no harm: the kernel leaves them out.
int Capabilities(std::string const& wanted) {
  std::ifstream status("/proc/thread-self/status");
  std::string line;
  while (std::getline(status, line)) {
    bool const named =
        line.starts_with("CapEff:") || line.starts_with("CapBnd:") || line.starts_with("CapPrm:");
    if (named && line.substr(8) != wanted) return EPERM;
  }
  return 0;
}

int NoFileLimit(std::string const& wanted) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  bool const same =
      limit.rlim_cur == limit.rlim_max && limit.rlim_max == static_cast<rlim_t>(NumberOf(wanted));
  return same ? 0 : ERANGE;
}

long UserNamespaceByClone() {
  auto const child = ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, 0);
  if (child == 0) ::_exit(0);
  return child;
}

using Action = std::function<int(std::string const&)>;
std::map<std::string, Action> const& Actions() {
  static std::map<std::string, Action> const actions{
      {"read", [](auto const& path) { return Closed(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); }},
      {"write",
       [](auto const& path) {
         return Closed(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
       }},
      {"open", [](auto const& path) { return Closed(::open(path.c_str(), O_RDWR | O_CLOEXEC)); }},
      {"chown", [](auto const& path) { return Told(::chown(path.c_str(), 12345, 12345)); }},
      {"socket",
       [](auto const& family) {
         return Closed(::socket(NumberOf(family), SOCK_DGRAM | SOCK_CLOEXEC, 0));
       }},
      {"disguised-socket",
       [](auto const& family) {
         constexpr std::uint64_t kIgnoredHalf = std::uint64_t{1} << 32U;
         return Closed(static_cast<int>(
             ::syscall(SYS_socket, kIgnoredHalf | static_cast<std::uint64_t>(NumberOf(family)),
                       SOCK_DGRAM | SOCK_CLOEXEC, 0)));
       }},
      {"raw",
       [](auto const&) {
         return Closed(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
       }},
      {"bind", Bind},
      {"run", Run},
      {"mount",
       [](auto const& path) {
         int const error = Told(::mount("none", path.c_str(), "tmpfs", 0, nullptr));
         if (error == 0) ::umount2(path.c_str(), MNT_DETACH);
         return error;
       }},
      {"fsopen", [](auto const&) { return Closed(::fsopen("tmpfs", FSOPEN_CLOEXEC)); }},
      {"unshare-net", [](auto const&) { return Told(::unshare(CLONE_NEWNET)); }},
      {"unshare-user", [](auto const&) { return Told(::unshare(CLONE_NEWUSER)); }},
      {"clone-user", [](auto const&) { return Told(UserNamespaceByClone()); }},
      {"setns",
       [](auto const& path) {
         int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
         int const error = Told(::setns(file, CLONE_NEWNET));
         ::close(file);
         return error;
       }},
      {"chroot", [](auto const&) { return Told(::chroot("/")); }},
      {"ptrace", [](auto const&) { return Told(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }},
      {"call",  // by number, with arguments that do no harm where it is allowed
       [](auto const& number) { return Told(::syscall(NumberOf(number), -1, 0, 0, 0, 0, 0)); }},
      {"signal", [](auto const& pid) { return Told(::kill(NumberOf(pid), 0)); }},
      {"capabilities", Capabilities},
      {"descriptors", NoFileLimit},
      {"use", Use},
      {"threads", StartThreads},
      {"open-many", OpenMany},
      {"abort", [](auto const&) -> int { std::abort(); }},
      {"exit", [](auto const&) -> int { ::_exit(0); }},
      {"segfault", [](auto const&) { return Told(std::raise(SIGSEGV)); }},
      {"loop", Loop},
  };
  return actions;
}

trl_status Valid(void*, trl_call const*, trl_bytes, trl_sink) noexcept {
  return TRL_OK;
}
trl_status Challenge(void*, trl_bytes data, trl_sink out, trl_sink) noexcept {
  return out.write(out.ctx, data);
}
trl_status Capacity(void*, trl_bytes, trl_capacity*, trl_sink) noexcept {
  return TRL_OK;
}
/// The data is `"<action> <argument>"`, the result a number.
trl_status Provision(void*, trl_call const*, trl_workload const* workload, trl_out* out) noexcept {
  std::string_view const data(workload->data.data, workload->data.size);
  if (data.size() < 2) return TRL_DECODE;
  std::string const text(data.substr(1, data.size() - 2));
  auto const blank = std::min(text.find(' '), text.size());
  auto const action = Actions().find(text.substr(0, blank));
  if (action == Actions().end()) return TRL_NOT_FOUND;
  auto const argument = blank < text.size() ? text.substr(blank + 1) : std::string();
  auto const told = std::to_string(action->second(argument));
  return out->result.write(out->result.ctx, Bytes(told));
}
trl_status Deprovision(void*, trl_call const*, trl_workload const*, trl_sink) noexcept {
  return TRL_OK;
}
trl_status Inspect(void*, trl_call const*, trl_workload const*, trl_observed* observed, trl_sink,
                   trl_sink) noexcept {
  observed->state = TRL_OBSERVED_ABSENT;
  return TRL_OK;
}
trl_status ListOwned(void*, trl_call const*, trl_sink out, trl_sink) noexcept {
  return out.write(out.ctx, Bytes("[]"));
}

trl_type_ops MakeOps() {
  trl_type_ops ops{};
  ops.size = sizeof ops;
  ops.valid = &Valid;
  ops.challenge = &Challenge;
  ops.capacity = &Capacity;
  ops.provision = &Provision;
  ops.deprovision = &Deprovision;
  ops.inspect = &Inspect;
  ops.list_owned = &ListOwned;
  return ops;
}

trl_status Create(trl_host const* the_host, trl_open const*, void** self, trl_sink err) noexcept {
  static trl_type_ops const ops = MakeOps();
  host = the_host;
  *self = &host;
  trl_type_desc type{};
  type.size = sizeof type;
  type.name = Bytes("prober");
  type.ops = &ops;
  return host->register_type(host->ctx, &type, err);
}
trl_status Nothing(void*, trl_call const*, trl_sink) noexcept {
  return TRL_OK;
}

trl_plugin MakePlugin() {
  trl_plugin plugin{};
  plugin.size = sizeof plugin;
  plugin.abi_major = TRL_ABI_MAJOR;
  plugin.name = "prober";
  plugin.version = "1.0.0";
  plugin.manifest = R"({"manifest":1,"name":"prober","version":"1.0.0",
    "types":[{"name":"prober","deadline_s":{"provision":1}}],
    "services":{"provides":[],"requires":[],"wants":[]},
    "permissions":["net.admin","net.namespace","net.bind-low","net.connect","fs.mount","fs.owner",
      "fs.read:{state}/readable","fs.write:{state}/writable","device:/dev/ptmx"]})";
  plugin.create = &Create;
  plugin.start = &Nothing;
  plugin.stop = &Nothing;
  plugin.destroy = [](void*) noexcept {};
  return plugin;
}

}  // namespace

extern "C" TRL_EXPORT trl_plugin const* trellis_plugin_v1(void) noexcept {
  static trl_plugin const plugin = MakePlugin();
  return &plugin;
}
