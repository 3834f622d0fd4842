#include "tests/integration/zmachine/machine_lab.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

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
  host_.FakeService(services::kImageFlist, [this](std::string_view method, std::string_view text) {
    return Image(method, text);
  });
  host_.FakeService(services::kNetAttach, &Network);
}

MachineLab::~MachineLab() {
  (void)host_.Unload("zmachine");
  (void)host_.Unload("storage");
}

Result<void> MachineLab::LoadMachines() {
  std::string const config = fmt::format(
      R"({{"libvirt":"embed","embed_root":"{}/lv","guest_kernel":"{}/guest/vmlinuz",)"
      R"("initramfs":"{}/guest/initramfs.img","kvm_probe":"{}/bin/trellis-kvm-probe"}})",
      host_.dir(), TRELLIS_BUILD_DIR, TRELLIS_BUILD_DIR, TRELLIS_BUILD_DIR);
  return host_.Load(FakeHost::BuiltPlugin("zmachine"), config);
}

std::string MachineLab::MachineData() {
  return fmt::format(
      R"({{"flist":"file://{}","network":{{"interfaces":[{{"network":"net1","ip":"{}"}}]}},)"
      R"("compute_capacity":{{"cpu":1,"memory":268435456}},)"
      R"("env":{{"GREETING":"it's me"}}}})",
      kHelloRoot, kMachineIp);
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

std::string MachineLab::ConsoleLog() const {
  return ReadText(fmt::format("{}/state/zmachine/{}/console.log", host_.dir(), kMachineId));
}

Result<std::string> MachineLab::Network(std::string_view method, std::string_view) {
  bool const there = ::if_nametoindex(kTap) != 0;
  if (method == "detach") {
    if (there) Shell(fmt::format("ip link del {}", kTap));
    return "{}";
  }
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

Result<std::string> MachineLab::Image(std::string_view method, std::string_view text) {
  if (method == "unmount") {
    TRELLIS_TRY(auto const lease, json::Parse<services::FlistLease>(text));
    std::string const target = fmt::format("{}/{}-{}", host_.dir(), lease.slot, lease.owner);
    ::umount2(target.c_str(), 0);
    ::rmdir(target.c_str());
    return "{}";
  }
  TRELLIS_TRY(auto const request, json::Parse<services::FlistMountRequest>(text));
  services::FlistMount out;
  out.path = kHelloRoot;
  out.hash = "hello";
  out.kind = "container";
  if (request.mode == "ro") return json::Dump(out);
  out.path = fmt::format("{}/{}-{}", host_.dir(), request.slot, request.owner);
  if (!fs::exists(out.path)) {
    fs::create_directories(out.path);
    fs::create_directories(request.upper + "/rw");
    fs::create_directories(request.upper + "/wd");
    std::string const options =
        fmt::format("lowerdir={0},upperdir={1}/rw,workdir={1}/wd", kHelloRoot, request.upper);
    if (::mount("overlay", out.path.c_str(), "overlay", 0, options.c_str()) != 0)
      return Fail(Code::kIo, "overlay: {}", std::strerror(errno));
  }
  return json::Dump(out);
}

std::string MachineLab::Leftovers() {
  std::string found;
  for (auto const* const folder : {"state/zmachine", "run/zmachine"}) {
    if (fs::exists(fmt::format("{}/{}/{}", host_.dir(), folder, kMachineId))) found += folder;
  }
  if (::if_nametoindex(kTap) != 0) found += " tap";
  if (fs::exists(fmt::format("{}/root-{}", host_.dir(), kMachineId))) found += " root";
  auto const volume =
      host_.CallService("trellis.storage.volume/1", "lookup",
                        fmt::format(R"({{"owner":"{}","slot":"rootfs"}})", kMachineId));
  if (volume) found += " volume";
  return found;
}

}  // namespace trellis::testing
