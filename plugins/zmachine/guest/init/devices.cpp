#include "plugins/zmachine/guest/init/devices.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace trellis::guest {
namespace {

/// A FAT boot sector with the label: FAT12/16 keep it at 43, FAT32 at 71.
bool IsCidata(std::string const& device) {
  Fd const file(::open(device.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 512> sector{};
  if (!file.valid() || ::read(file.get(), sector.data(), sector.size()) != 512) return false;
  std::string_view const text(sector.data(), sector.size());
  if (text.substr(510) != "\x55\xaa") return false;
  auto const labelled = [&](std::size_t label, std::size_t type) {
    return text.substr(label, 7) == "cidata " && text.substr(type, 3) == "FAT";
  };
  return labelled(43, 54) || labelled(71, 82);
}

std::string ScanForCidata() {
  DIR* const folder = ::opendir("/sys/block");
  if (folder == nullptr) return {};
  std::string found;
  while (auto const* entry = ::readdir(folder)) {
    std::string_view const name = entry->d_name;
    if (!name.starts_with("vd")) continue;
    auto const device = "/dev/" + std::string(name);
    if (IsCidata(device)) found = device;
  }
  ::closedir(folder);
  return found;
}

}  // namespace

DeviceEvents::DeviceEvents()
    : socket_(
          ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT)) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1;
  if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    Log("no device events: " + ErrnoText());
  }
}

void DeviceEvents::Wait(std::chrono::milliseconds limit) const {
  pollfd wait{.fd = socket_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&wait, 1, static_cast<int>(limit.count())) != 1) return;
  std::array<char, 4096> message{};
  while (::recv(socket_.get(), message.data(), message.size(), 0) > 0) {
  }
}

std::string FindCidata(DeviceEvents const& events, std::chrono::milliseconds limit) {
  using Clock = std::chrono::steady_clock;
  auto const end = Clock::now() + limit;
  while (true) {
    if (auto device = ScanForCidata(); !device.empty()) return device;
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0) return {};
    events.Wait(left);
  }
}

}  // namespace trellis::guest
