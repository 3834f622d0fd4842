#include "plugins/network/wireguard_user.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/unix_client.hpp"
#include "plugins/network/links.hpp"
#include "plugins/network/names.hpp"
#include "plugins/network/wireguard_text.hpp"

#include <algorithm>
#include <thread>

namespace trellis::plugins::network {

namespace {

constexpr char const* kProgram = "/usr/bin/wireguard-go";
constexpr std::string_view kPrefix = "wg-";
constexpr std::chrono::seconds kStartLimit{10};
constexpr std::chrono::milliseconds kLookEvery{2};  // it takes about 20
constexpr std::uint32_t kStopLimit = 5;             // seconds

// wireguard-go has its sockets in one folder for the whole machine, by the name of the link, and
// links of the same network have the same name on every node. So it gets its own view of it.
constexpr char const* kScript =
    "/usr/bin/mkdir -p /var/run/wireguard && /usr/bin/mount --bind \"$0\" /var/run/wireguard && "
    "exec \"$1\" -f \"$2\"";

std::string ProcessName(std::string_view net_id) {
  return std::string(kPrefix) + std::string(net_id);
}

}  // namespace

UserWireGuard::UserWireGuard(Host host, Namespaces const& namespaces)
    : host_(host), namespaces_(namespaces), dir_(host.state_dir() + "/wg") {}

bool UserWireGuard::IsThere() {
  return ::access(kProgram, X_OK) == 0;
}

std::optional<std::string> UserWireGuard::NetworkOf(std::string_view process) {
  if (!process.starts_with(kPrefix)) return std::nullopt;
  return std::string(process.substr(kPrefix.size()));
}

std::string UserWireGuard::SocketOf(std::string const& net_id) const {
  return dir_ + "/" + TunnelName(net_id) + ".sock";
}

ProcessSpec UserWireGuard::SpecOf(std::string const& net_id, std::string const& underlay) const {
  ProcessSpec spec;
  spec.argv = {"/usr/bin/unshare",
               "-m",
               "--propagation",
               "private",
               "/bin/sh",
               "-c",
               kScript,
               dir_,
               kProgram,
               TunnelName(net_id)};
  spec.env = {{"WG_PROCESS_FOREGROUND", "1"}, {"LOG_LEVEL", "error"}};
  // Whoever starts it anew has to move and configure its link too.
  spec.restart = "never";
  spec.stop_timeout_s = kStopLimit;
  if (!underlay.empty()) spec.netns = namespaces_.Path(underlay);
  return spec;
}

Result<std::optional<ProcessInfo>> UserWireGuard::Process(std::string const& net_id) const {
  auto const name = ProcessName(net_id);
  TRELLIS_TRY(auto const processes, host_.ListProcesses(name));
  auto const found = std::ranges::find(processes, name, &ProcessInfo::name);
  if (found == processes.end()) return std::optional<ProcessInfo>();
  return std::optional<ProcessInfo>(*found);
}

Result<bool> UserWireGuard::HasLink(std::string const& netns, std::string const& net_id) const {
  bool has = false;
  TRELLIS_CHECK(namespaces_.RunIn(netns, [&]() -> Result<void> {
    TRELLIS_TRY(auto links, Links::Open());
    TRELLIS_TRY(auto const found, links.Find(TunnelName(net_id)));
    has = found.has_value();
    return {};
  }));
  return has;
}

Result<void> UserWireGuard::DeleteLink(std::string const& netns, std::string const& net_id) const {
  return namespaces_.RunIn(netns, [&]() -> Result<void> {
    TRELLIS_TRY(auto links, Links::Open());
    return links.Delete(TunnelName(net_id));
  });
}

Result<void> UserWireGuard::MoveLink(std::string const& underlay, std::string const& net_id) const {
  TRELLIS_TRY(auto const target, namespaces_.Open(NamespaceName(net_id)));
  return namespaces_.RunIn(underlay, [&]() -> Result<void> {
    TRELLIS_TRY(auto links, Links::Open());
    TRELLIS_TRY(auto const link, links.Get(TunnelName(net_id)));
    return links.Move(link.index, target.get());  // its socket stays here
  });
}

Result<bool> UserWireGuard::EnsureLink(Call const& call, std::string const& net_id,
                                       std::string const& underlay) {
  auto const inner = NamespaceName(net_id);
  TRELLIS_TRY(bool const inside, HasLink(inner, net_id));
  if (inside && Ask(net_id, kGetRequest)) return false;
  // What is left of an earlier one: its process, a link it had not got to its place, a socket that
  // nobody listens at. A link of another kind would only be in the way.
  TRELLIS_CHECK(Remove(call, net_id));
  TRELLIS_CHECK(DeleteLink(underlay, net_id));
  TRELLIS_CHECK(DeleteLink(inner, net_id));
  TRELLIS_CHECK(Start(call, net_id, underlay));
  TRELLIS_CHECK(MoveLink(underlay, net_id));
  return true;
}

Result<void> UserWireGuard::Start(Call const& call, std::string const& net_id,
                                  std::string const& underlay) {
  TRELLIS_CHECK(MakeDirs(dir_, 0700));
  TRELLIS_TRY(auto const started,
              host_.EnsureProcess(call, ProcessName(net_id), SpecOf(net_id, underlay)));
  static_cast<void>(started);
  return Await(call, net_id, underlay);
}

Result<void> UserWireGuard::Await(Call const& call, std::string const& net_id,
                                  std::string const& underlay) {
  auto const until = std::chrono::steady_clock::now() + kStartLimit;
  while (true) {
    TRELLIS_CHECK(call.Checkpoint());
    TRELLIS_TRY(bool const there, HasLink(underlay, net_id));
    if (there && Ask(net_id, kGetRequest)) return {};
    TRELLIS_TRY(auto const process, Process(net_id));
    if (!process || process->state != "running")
      return Fail(Code::kUnavailable, "wireguard-go did not start: see the log of '{}'",
                  ProcessName(net_id));
    if (std::chrono::steady_clock::now() > until)
      return Fail(Code::kTimeout, "wireguard-go made no link '{}' within {} s", TunnelName(net_id),
                  kStartLimit.count());
    std::this_thread::sleep_for(kLookEvery);
  }
}

Result<std::string> UserWireGuard::Ask(std::string const& net_id, std::string_view request) const {
  return AskUnix(SocketOf(net_id), request, kEndOfAnswer);
}

Result<WireGuardDevice> UserWireGuard::Read(std::string const& net_id) {
  auto const answer = Ask(net_id, kGetRequest);
  if (!answer && answer.error().code == Code::kUnavailable)
    return Fail(Code::kNotFound, "wireguard-go does not run");
  TRELLIS_CHECK(answer);
  return ReadAnswer(*answer);
}

Result<void> UserWireGuard::Change(std::string const& net_id, WireGuardChange const& change) {
  TRELLIS_TRY(auto const answer, Ask(net_id, SetRequest(change)));
  return CheckAnswer(answer);
}

Result<void> UserWireGuard::Remove(Call const& call, std::string const& net_id) {
  TRELLIS_TRY(auto const process, Process(net_id));
  if (process) TRELLIS_CHECK(host_.StopProcess(call, process->name));
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_CHECK(links.Delete(TunnelName(net_id)));
  auto const socket = SocketOf(net_id);
  if (::unlink(socket.c_str()) != 0 && errno != ENOENT)
    return FailErrno("remove the socket '{}'", socket);
  return {};
}

Result<std::vector<std::string>> UserWireGuard::Present() {
  TRELLIS_TRY(auto const processes, host_.ListProcesses(kPrefix));
  std::vector<std::string> present;
  present.reserve(processes.size());
  for (auto const& process : processes)
    present.push_back(process.name.substr(kPrefix.size()));
  return present;
}

}  // namespace trellis::plugins::network
