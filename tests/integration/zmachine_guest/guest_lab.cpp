#include "tests/integration/zmachine_guest/guest_lab.hpp"

#include "plugins/zmachine/cidata.hpp"
#include "plugins/zmachine/command_line.hpp"
#include "tests/support/patience.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>

namespace trellis::tests {
namespace {

using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

int LeftMs(Clock::time_point end) {
  auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

/// Starts a program with its output on `out`; 0 when it could not be started.
pid_t Spawn(std::vector<std::string> words, int out) {
  std::vector<char*> argv;
  for (auto& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_adddup2(&actions, out, 2);
  pid_t pid = 0;
  if (::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ) != 0) pid = 0;
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

bool Run(std::vector<std::string> words) {
  pid_t const pid = Spawn(std::move(words), 2);
  int status = 1;
  return pid > 0 && ::waitpid(pid, &status, 0) == pid && status == 0;
}

void End(pid_t pid) {
  if (pid <= 0) return;
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

/// Waits until a file of this name is in the folder.
bool WaitForFile(fs::path const& file, std::chrono::seconds limit) {
  int const watch = ::inotify_init1(IN_CLOEXEC);
  ::inotify_add_watch(watch, file.parent_path().c_str(), IN_CREATE | IN_MOVED_TO);
  auto const end = Clock::now() + limit;
  std::array<char, 4096> events{};
  while (!fs::exists(file) && LeftMs(end) > 0) {
    pollfd wait{.fd = watch, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, LeftMs(end)) == 1 && ::read(watch, events.data(), events.size()) < 0)
      break;
  }
  ::close(watch);
  return fs::exists(file);
}

}  // namespace

bool EnterGuestNetwork() {
  return ::unshare(CLONE_NEWNET) == 0 && Run({"ip", "link", "set", "lo", "up"}) &&
         Run({"ip", "tuntap", "add", "tg0", "mode", "tap"}) &&
         Run({"ip", "address", "add", "10.77.0.1/24", "dev", "tg0"}) &&
         Run({"ip", "-6", "address", "add", "fd77::1/64", "dev", "tg0", "nodad"}) &&
         Run({"ip", "link", "set", "tg0", "up"});
}

GuestLab::GuestLab() {
  std::string name = "/tmp/trellis-guest.XXXXXX";
  folder_ = ::mkdtemp(name.data());
  fs::copy(TRELLIS_BUILD_DIR "/guest/hello-root", Root(), fs::copy_options::recursive);
}

GuestLab::~GuestLab() {
  End(qemu_);
  End(virtiofsd_);
  if (console_fd_ >= 0) ::close(console_fd_);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void GuestLab::AddGrownDisk() {
  auto const disk = folder_ / ("disk" + std::to_string(disks_.size()));
  std::ofstream(disk).close();
  fs::resize_file(disk, 128UL * 1024UL * 1024UL);
  Run({"mkfs.btrfs", "-q", "-M", disk.string()});
  fs::resize_file(disk, 512UL * 1024UL * 1024UL);
  disks_.push_back(disk.string());
}

void GuestLab::Start(plugins::zmachine::GuestConfig const& config) {
  auto const image = plugins::zmachine::BuildCidataImage(config).value();
  auto const cidata = folder_ / "cidata.img";
  std::ofstream(cidata, std::ios::binary)
      .write(reinterpret_cast<char const*>(image.data()),
             static_cast<std::streamsize>(image.size()));
  auto const socket = (folder_ / "fs.sock").string();
  virtiofsd_ = Spawn({"/usr/lib/qemu/virtiofsd", "--socket-path=" + socket, "-o", "xattr", "-o",
                      "source=" + Root().string()},
                     2);
  if (!WaitForFile(socket, trellis::testing::kPatience)) return;
  std::string const guest = TRELLIS_BUILD_DIR "/guest/";
  std::vector<std::string> words = {
      "qemu-system-x86_64",
      "-machine",
      "q35",
      "-accel",
      "tcg,tb-size=32",
      "-cpu",
      "max",
      "-m",
      "256",
      "-nodefaults",
      "-no-user-config",
      "-display",
      "none",
      "-no-reboot",
      "-serial",
      "stdio",
      "-kernel",
      guest + "vmlinuz",
      "-initrd",
      guest + "initramfs.img",
      "-append",
      plugins::zmachine::ContainerCommandLine(),
      "-object",
      "memory-backend-memfd,id=mem,size=256M,share=on",
      "-numa",
      "node,memdev=mem",
      "-chardev",
      "socket,id=fs,path=" + socket,
      "-device",
      "vhost-user-fs-pci,chardev=fs,tag=vroot",
      "-netdev",
      "tap,id=net,ifname=tg0,script=no,downscript=no",
      "-device",
      "virtio-net-pci,netdev=net,romfile=,mac=" + config.interfaces.front().mac};
  auto disks = disks_;
  disks.push_back(cidata.string());
  for (auto const& disk : disks) {
    words.insert(words.end(), {"-drive", "if=virtio,format=raw,file=" + disk});
  }
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
  console_fd_ = ends[0];
  qemu_ = Spawn(std::move(words), ends[1]);
  ::close(ends[1]);
}

bool GuestLab::ReadConsole(Clock::time_point end) {
  pollfd wait{.fd = console_fd_, .events = POLLIN, .revents = 0};
  if (::poll(&wait, 1, LeftMs(end)) != 1) return false;
  std::array<char, 4096> buffer{};
  auto const size = ::read(console_fd_, buffer.data(), buffer.size());
  if (size <= 0) return false;
  console_.append(buffer.data(), static_cast<std::size_t>(size));
  return true;
}

bool GuestLab::WaitForConsole(std::string_view text, std::chrono::seconds limit) {
  auto const end = Clock::now() + limit;
  while (console_.find(text) == std::string::npos) {
    if (!ReadConsole(end)) return false;
  }
  return true;
}

bool GuestLab::WaitForEnd(std::chrono::seconds limit) {
  auto const end = Clock::now() + limit;
  while (ReadConsole(end)) {
  }
  int const handle = static_cast<int>(::syscall(SYS_pidfd_open, qemu_, 0));
  pollfd wait{.fd = handle, .events = POLLIN, .revents = 0};
  bool const ended = ::poll(&wait, 1, LeftMs(end)) == 1;
  ::close(handle);
  return ended;
}

std::string Http(std::string const& address, std::string const& head, std::string const& body) {
  int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(80);
  ::inet_pton(AF_INET, address.c_str(), &to.sin_addr);
  timeval const limit{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  std::string const text =
      head + " HTTP/1.1\r\nHost: guest\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  std::string answer;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0 &&
      ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size())) {
    std::array<char, 4096> buffer{};
    ssize_t size = 0;
    while ((size = ::recv(fd, buffer.data(), buffer.size(), 0)) > 0) {
      answer.append(buffer.data(), static_cast<std::size_t>(size));
    }
  }
  ::close(fd);
  return answer;
}

}  // namespace trellis::tests
