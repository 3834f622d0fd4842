#include "tests/integration/zmachine/machine_lab.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace trellis::testing {
namespace {

namespace fs = std::filesystem;

constexpr char const* kTap = "t-lab";
constexpr char const* kHelloRoot = TRELLIS_BUILD_DIR "/guest/hello-root";

std::string ReadText(fs::path const& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool Shell(std::string const& command) {
  return std::system(command.c_str()) == 0;  // NOLINT(cert-env33-c): fixed commands of the test
}

/// Unmounts everything below a folder, the newest first.
void UnmountBelow(std::string const& folder) {
  std::vector<std::string> targets;
  std::istringstream mounts(ReadText("/proc/self/mounts"));
  for (std::string line; std::getline(mounts, line);) {
    auto const begin = line.find(' ') + 1;
    auto target = line.substr(begin, line.find(' ', begin) - begin);
    if (target.starts_with(folder + "/")) targets.push_back(std::move(target));
  }
  for (auto target = targets.rbegin(); target != targets.rend(); ++target)
    ::umount2(target->c_str(), MNT_DETACH);
}

/// One request; "" when there is no answer.
std::string AskOnce(std::string_view path) {
  ReceivedFd const fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  timeval const limit{.tv_sec = 3, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(80);
  ::inet_pton(AF_INET, kMachineIp, &address.sin_addr);
  if (::connect(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0)
    return {};
  std::string const request = fmt::format("GET {} HTTP/1.0\r\n\r\n", path);
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
  std::string answer;
  std::array<char, 4096> buffer{};
  for (;;) {
    auto const size = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (size <= 0) break;
    answer.append(buffer.data(), static_cast<std::size_t>(size));
  }
  auto const body = answer.find("\r\n\r\n");
  return body == std::string::npos ? std::string() : answer.substr(body + 4);
}

}  // namespace

MachineLab::MachineLab() {
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) std::abort();
  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  fs::permissions(host_.dir(), fs::perms(0755));  // the emulator is not root
  host_.FakeService(services::kNetAttach, [this](auto method, auto) { return Attach(method); });
  host_.FakeService(services::kNetNamespace, [this](auto, auto) { return FindNetwork(); });
  host_.FakeService(services::kNetPublic,
                    [](auto, auto) { return json::Dump(services::PublicSupport{}); });
}

MachineLab::~MachineLab() {
  // A failed test leaves its machine: take it away while the plugins are there.
  (void)host_.Deprovision("zmachine", kMachineId, "{}", Options());
  for (auto const* const plugin : {"zmachine", "flist", "zmount", "storage"})
    (void)host_.Unload(plugin);
  for (auto const pid : daemons_) {
    ::kill(pid, SIGTERM);
    ::waitpid(pid, nullptr, 0);
  }
  UnmountBelow(host_.dir());  // pools stay mounted when their plugin ends
}

Result<void> MachineLab::LoadOthers(std::string const& file_root) {
  TRELLIS_CHECK(host_.Load(FakeHost::BuiltPlugin("storage")));
  TRELLIS_CHECK(host_.Load(FakeHost::BuiltPlugin("zmount")));
  TRELLIS_CHECK(host_.Load(
      FakeHost::BuiltPlugin("flist"),
      fmt::format(R"({{"file_roots":["{}"]}})", file_root.empty() ? kHelloRoot : file_root)));
  auto const disk = host_.Provision("zmount", kDiskId, R"({"size":67108864})", Options());
  if (!disk.ok()) return Fail(Code::kIo, "disk: {}", disk.error);
  WorkloadView view;
  view.id = kDiskId;
  view.name = "data";
  view.type = "zmount";
  view.result.state = "ok";
  host_.SetWorkload(view);
  return {};
}

Result<void> MachineLab::LoadMachines(std::string_view more) {
  std::string const config = fmt::format(
      R"({{"embed_root":"{}/lv","guest_kernel":"{}/guest/vmlinuz",)"
      R"("initramfs":"{}/guest/initramfs.img","kvm_probe":"{}/bin/trellis-kvm-probe"{}}})",
      host_.dir(), TRELLIS_BUILD_DIR, TRELLIS_BUILD_DIR, TRELLIS_BUILD_DIR, more);
  return host_.Load(FakeHost::BuiltPlugin("zmachine"), config);
}

std::string MachineLab::MachineData(std::string_view entrypoint) {
  return fmt::format(
      R"({{"flist":"file://{}","network":{{"interfaces":[{{"network":"net1","ip":"{}"}}]}},)"
      R"("compute_capacity":{{"cpu":1,"memory":268435456}},)"
      R"("mounts":[{{"name":"data","mountpoint":"/data"}}],"entrypoint":"{}",)"
      R"("env":{{"GREETING":"it's me"}}}})",
      kHelloRoot, kMachineIp, entrypoint);
}

CallOptions MachineLab::Options() {
  CallOptions options;
  options.twin_id = 7;
  options.contract_id = 100;
  return options;
}

std::string MachineLab::Get(std::string_view path, std::chrono::seconds limit) {
  auto const end = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < end) {
    auto body = AskOnce(path);
    if (!body.empty()) return body;
    static constexpr int kBetweenTriesMs = 100;  // a machine that boots refuses at once
    ::poll(nullptr, 0, kBetweenTriesMs);
  }
  return {};
}

Result<services::MachineInfo> MachineLab::Info() {
  return host_.CallService<services::MachineInfo>(services::kVmMachine, "inspect",
                                                  services::MachineRequest{kMachineId});
}

bool MachineLab::WaitForOtherPid(std::int32_t pid, std::chrono::seconds limit) {
  auto const end = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < end) {
    auto const info = Info();
    if (info && info->pid > 0 && info->pid != pid) return true;
    static constexpr int kBetweenLooksMs = 100;
    ::poll(nullptr, 0, kBetweenLooksMs);
  }
  return false;
}

void MachineLab::AllowDaemons() {
  for (auto const* const folder :
       {"/run", "/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt"}) {
    fs::create_directories(folder);
    ::mount("tmpfs", folder, "tmpfs", 0, "mode=0755");
  }
  host_.on_ensure = [this](std::string_view, ProcessSpec const& spec) -> Result<std::int32_t> {
    pid_t pid = 0;
    std::string program = spec.argv.front();
    std::array<char*, 2> argv = {program.data(), nullptr};
    if (::posix_spawn(&pid, program.c_str(), nullptr, nullptr, argv.data(), environ) != 0)
      return Fail(Code::kIo, "spawn '{}'", program);
    daemons_.push_back(pid);
    return pid;
  };
}

bool MachineLab::WaitForReport(std::chrono::seconds limit) {
  auto const end = std::chrono::steady_clock::now() + limit;
  while (host_.Reports().empty()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    static constexpr int kBetweenLooksMs = 100;
    ::poll(nullptr, 0, kBetweenLooksMs);
  }
  return true;
}

std::string MachineLab::ConsoleLog() const {
  return ReadText(fmt::format("{}/state/zmachine/{}/console.log", host_.dir(), kMachineId));
}

bool MachineLab::WaitForConsole(std::string_view text, std::chrono::seconds limit) const {
  auto const end = std::chrono::steady_clock::now() + limit;
  while (ConsoleLog().find(text) == std::string::npos) {
    if (std::chrono::steady_clock::now() >= end) return false;
    static constexpr int kBetweenLooksMs = 100;
    ::poll(nullptr, 0, kBetweenLooksMs);
  }
  return true;
}

Result<std::string> MachineLab::FindNetwork() const {
  if (!network_) return Fail(Code::kNotFound, "network 'net1' not found");
  return json::Dump(services::NamespaceInfo{"", "10.20.0.0/16", "10.20.2.0/24", {}});
}

Result<std::string> MachineLab::Attach(std::string_view method) const {
  bool const there = ::if_nametoindex(kTap) != 0;
  if (method == "detach") {
    if (there) Shell(fmt::format("ip link del {}", kTap));
    return "{}";
  }
  TRELLIS_CHECK(FindNetwork());
  if (!there && !Shell(fmt::format("ip link set lo up; ip tuntap add {0} mode tap vnet_hdr && "
                                   "ip addr add 10.20.2.1/24 dev {0} && ip link set {0} up",
                                   kTap)))
    return Fail(Code::kIo, "no tap");
  services::Attachment out;
  out.tap = kTap;
  out.mac = "52:54:00:12:34:56";
  out.ips = {fmt::format("{}/24", kMachineIp)};
  out.gateway4 = "10.20.2.1";
  out.nameservers = {"8.8.8.8"};
  return json::Dump(out);
}

std::string MachineLab::Leftovers() {
  std::string found;
  for (auto const* const folder : {"state/zmachine", "run/zmachine"}) {
    if (fs::exists(fmt::format("{}/{}/{}", host_.dir(), folder, kMachineId))) found += folder;
  }
  if (::if_nametoindex(kTap) != 0) found += " tap";
  if (ReadText("/proc/self/mounts").find(kMachineId) != std::string::npos) found += " mount";
  auto const disk = host_.CallService("trellis.storage.disk/1", "lookup",
                                      fmt::format(R"({{"owner":"{}"}})", kDiskId));
  if (!disk || disk->body.find(kMachineId) != std::string::npos) found += " claim";
  auto const volume =
      host_.CallService("trellis.storage.volume/1", "lookup",
                        fmt::format(R"({{"owner":"{}","slot":"rootfs"}})", kMachineId));
  if (volume) found += " volume";
  return found;
}

}  // namespace trellis::testing
