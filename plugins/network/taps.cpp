#include "plugins/network/taps.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <pwd.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>

namespace trellis::plugins::network {

namespace {

constexpr char const* kTapUser = "libvirt-qemu";  // what machines run as, where that user exists
constexpr std::size_t kUserBuffer = 16384;

Result<void> CreateTap(std::string const& name) {
  TRELLIS_TRY(auto const tun, OpenFile("/dev/net/tun", O_RDWR));
  ifreq request{};
  std::copy_n(name.begin(), std::min<std::size_t>(name.size(), IFNAMSIZ - 1), request.ifr_name);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (::ioctl(tun.get(), TUNSETIFF, &request) != 0) return FailErrno("create tap '{}'", name);
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, kUserBuffer> buffer{};
  if (::getpwnam_r(kTapUser, &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr && ::ioctl(tun.get(), TUNSETOWNER, entry.pw_uid) != 0)
    return FailErrno("give tap '{}' to '{}'", name, kTapUser);
  // Last, so that a tap whose setup failed goes away with the descriptor.
  if (::ioctl(tun.get(), TUNSETPERSIST, 1) != 0) return FailErrno("keep tap '{}'", name);
  return {};
}

}  // namespace

Result<void> EnsureTap(std::string const& name, std::string const& bridge) {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const existing, links.Find(name));
  if (!existing) TRELLIS_CHECK(CreateTap(name));
  TRELLIS_CHECK(WriteSysctl("ipv6/conf/" + name + "/disable_ipv6", "1"));
  TRELLIS_TRY(auto const tap, links.Get(name));
  int wanted = 0;
  if (!bridge.empty()) {
    TRELLIS_TRY(auto const found, links.Find(bridge));
    wanted = found ? found->index : 0;
  }
  if (tap.master != wanted) TRELLIS_CHECK(links.SetMaster(tap.index, wanted));
  return tap.up ? Result<void>() : links.SetUp(tap.index);
}

}  // namespace trellis::plugins::network
