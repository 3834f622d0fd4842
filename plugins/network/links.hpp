// Links, addresses and routes of the network namespace of the thread that opened the object. Not
// thread-safe.
#pragma once

#include "plugins/network/names.hpp"
#include "plugins/network/netlink.hpp"

#include <optional>
#include <string>
#include <vector>

namespace trellis::plugins::network {

struct Link {
  int index = 0;
  int master = 0;  ///< index of the bridge, 0 = none
  bool up = false;
  std::uint64_t bytes = 0;  ///< received and sent
  std::string kind;         ///< bridge, macvlan, veth, tun, ...; "" = hardware
};

/// An interface index as netlink carries it in attributes.
inline std::uint32_t Wide(int index) {
  return static_cast<std::uint32_t>(index);
}

/// Where a link is created and what it is called.
struct LinkPlace {
  std::string name;
  int netns_fd = -1;  ///< -1 = here
  MacAddress mac{};   ///< all zero = the kernel's choice
};

class Links {
 public:
  static Result<Links> Open();

  /// nullopt when there is none of that name.
  Result<std::optional<Link>> Find(std::string const& name);
  /// kNotFound.
  Result<Link> Get(std::string const& name);
  /// Names of all links here.
  Result<std::vector<std::string>> Names();
  /// A bridge of that name, IPv6 off on it, up. Idempotent. kConflict when the name is another
  /// kind of link. True when it was created.
  Result<bool> EnsureBridge(std::string const& name);
  /// A macvlan in bridge mode on the link `parent` of this namespace.
  Result<void> CreateMacvlan(LinkPlace const& place, int parent);
  /// A pair: `name` here, the other end at `peer`.
  Result<void> CreateVeth(std::string const& name, LinkPlace const& peer);
  Result<void> CreateWireGuard(LinkPlace const& place);
  /// Into the namespace behind the descriptor, where it is down and has no addresses.
  Result<void> Move(int index, int netns_fd);
  Result<void> SetUp(int index);
  Result<void> SetDown(int index);
  /// `master` 0 = take it off its bridge.
  Result<void> SetMaster(int index, int master);
  /// OK when missing.
  Result<void> Delete(std::string const& name);

  Result<std::vector<IpNet>> Addresses(int index);
  /// Adds it when missing; the others stay.
  Result<void> EnsureAddress(int index, IpNet const& address);
  /// Makes the addresses of the link exactly `wanted`; link-local ones of the kernel stay.
  Result<void> ConvergeAddresses(int index, std::vector<IpNet> const& wanted);
  /// Replaces the route to `range`, straight through the link.
  Result<void> SetRoute(IpNet const& range, int index);
  Result<bool> HasRoute(IpNet const& range, int index);
  /// Replaces the default route of `via`'s family.
  Result<void> SetDefaultRoute(IpAddress const& via, int index);
  Result<bool> HasDefaultRoute(IpAddress const& via, int index);

 private:
  explicit Links(Netlink netlink) : netlink_(std::move(netlink)) {}
  Result<void> SetFlags(int index, unsigned flags, char const* what);
  Result<void> ChangeAddress(std::uint16_t type, int index, IpNet const& address);

  Netlink netlink_;
};

/// Writes /proc/sys/net/<path> of the calling thread's namespace; OK when there is no such setting.
Result<void> WriteSysctl(std::string const& path, std::string_view value);

}  // namespace trellis::plugins::network
