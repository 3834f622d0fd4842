// The four requests of rtnetlink that a guest's network needs.
#pragma once

#include "plugins/zmachine/guest/init/util.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::guest {

/// An address of either family with its prefix length.
struct Network {
  std::uint8_t family = 0;  // AF_INET, AF_INET6
  std::uint8_t prefix = 0;
  std::vector<std::uint8_t> address;

  /// "10.1.1.2/24", "fd00::1" (then the prefix is the full length); nothing for other text.
  static std::optional<Network> Parse(std::string_view text);
};

/// A socket to the kernel's routing tables. All calls return 0 or an errno.
class Netlink {
 public:
  Netlink();
  int SetUp(int interface) const;
  int AddAddress(int interface, Network const& address) const;
  /// A route to `to` (nothing: default of the gateway's family) by `via`.
  int AddRoute(int interface, std::optional<Network> const& to, Network const& via) const;

 private:
  int SendRoute(int interface, std::optional<Network> const& to, Network const& via,
                std::uint32_t flags) const;

  Fd socket_;
};

}  // namespace trellis::guest
