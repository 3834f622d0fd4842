#include "plugins/network/links.hpp"

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

namespace trellis::plugins::network {

namespace {

constexpr std::size_t kMaxName = 15;
constexpr std::uint16_t kCreate = NLM_F_CREATE | NLM_F_EXCL;
constexpr std::chrono::seconds kLinkPatience{5};
constexpr std::chrono::milliseconds kLinkPause{5};

Result<void> CheckName(std::string const& name) {
  if (!name.empty() && name.size() <= kMaxName) return {};
  return Fail(Code::kInvalid, "'{}' cannot be the name of a link", name);
}

void PutPlace(NetlinkMessage& message, LinkPlace const& place) {
  message.Put(IFLA_IFNAME, place.name);
  if (place.netns_fd >= 0) message.Put(IFLA_NET_NS_FD, Wide(place.netns_fd));
  if (place.mac != MacAddress{}) message.PutBytes(IFLA_ADDRESS, place.mac.data(), place.mac.size());
}

struct Named {
  std::string name;
  Link link;
};

std::string KindOf(nlattr const* info) {
  std::string kind;
  EachNested(info, [&](nlattr const* entry) {
    if (mnl_attr_get_type(entry) == IFLA_INFO_KIND) kind = mnl_attr_get_str(entry);
  });
  return kind;
}

std::uint64_t BytesOf(nlattr const* stats) {
  rtnl_link_stats64 counters{};  // an older kernel's is shorter; its bytes come first in both
  auto const size = std::min<std::size_t>(mnl_attr_get_payload_len(stats), sizeof counters);
  std::memcpy(&counters, mnl_attr_get_payload(stats), size);
  return counters.rx_bytes + counters.tx_bytes;
}

Named ReadLink(nlmsghdr const* message) {
  auto const& body = *static_cast<ifinfomsg const*>(mnl_nlmsg_get_payload(message));
  Named out;
  out.link.index = body.ifi_index;
  out.link.up = (body.ifi_flags & IFF_UP) != 0;
  EachAttribute(message, sizeof(ifinfomsg), [&](nlattr const* attribute) {
    auto const type = mnl_attr_get_type(attribute);
    if (type == IFLA_IFNAME) out.name = mnl_attr_get_str(attribute);
    if (type == IFLA_MASTER) out.link.master = static_cast<int>(mnl_attr_get_u32(attribute));
    if (type == IFLA_LINKINFO) out.link.kind = KindOf(attribute);
    if (type == IFLA_STATS64) out.link.bytes = BytesOf(attribute);
  });
  return out;
}

}  // namespace

Result<Links> Links::Open() {
  TRELLIS_TRY(auto netlink, Netlink::Open());
  return Links(std::move(netlink));
}

Result<std::optional<Link>> Links::Find(std::string const& name) {
  TRELLIS_CHECK(CheckName(name));
  NetlinkMessage message(RTM_GETLINK, NLM_F_ACK);
  message.Body<ifinfomsg>().ifi_family = AF_UNSPEC;
  message.Put(IFLA_IFNAME, name);
  std::optional<Link> out;
  auto const done = netlink_.Query(message, fmt::format("look up link '{}'", name),
                                   [&](nlmsghdr const* found) { out = ReadLink(found).link; });
  if (!done && done.error().code == Code::kNotFound) return std::optional<Link>{};
  TRELLIS_CHECK(done);
  return out;
}

Result<Link> Links::Get(std::string const& name) {
  TRELLIS_TRY(auto const found, Find(name));
  if (!found) return Fail(Code::kNotFound, "there is no link '{}'", name);
  return *found;
}

Result<std::vector<std::string>> Links::Names() {
  NetlinkMessage message(RTM_GETLINK, NLM_F_DUMP);
  message.Body<ifinfomsg>().ifi_family = AF_UNSPEC;
  std::vector<std::string> names;
  TRELLIS_CHECK(netlink_.Query(message, "list links", [&](nlmsghdr const* found) {
    names.push_back(ReadLink(found).name);
  }));
  return names;
}

Result<bool> Links::EnsureBridge(std::string const& name) {
  TRELLIS_TRY(auto const existing, Find(name));
  if (existing && existing->kind != "bridge")
    return Fail(Code::kConflict, "link '{}' is not a bridge", name);
  if (!existing) {
    NetlinkMessage message(RTM_NEWLINK, kCreate);
    message.Body<ifinfomsg>().ifi_family = AF_UNSPEC;
    message.Put(IFLA_IFNAME, name);
    auto* const info = message.Begin(IFLA_LINKINFO);
    message.Put(IFLA_INFO_KIND, "bridge");
    message.End(info);
    TRELLIS_CHECK(netlink_.Request(message, fmt::format("create bridge '{}'", name)));
  }
  TRELLIS_CHECK(WriteSysctl("ipv6/conf/" + name + "/disable_ipv6", "1"));
  TRELLIS_TRY(auto const link, Get(name));
  if (!link.up) TRELLIS_CHECK(SetUp(link.index));
  return !existing.has_value();
}

Result<void> Links::CreateMacvlan(LinkPlace const& place, int parent) {
  TRELLIS_CHECK(CheckName(place.name));
  NetlinkMessage message(RTM_NEWLINK, kCreate);
  message.Body<ifinfomsg>().ifi_family = AF_UNSPEC;
  PutPlace(message, place);
  message.Put(IFLA_LINK, Wide(parent));
  auto* const info = message.Begin(IFLA_LINKINFO);
  message.Put(IFLA_INFO_KIND, "macvlan");
  auto* const data = message.Begin(IFLA_INFO_DATA);
  message.Put(IFLA_MACVLAN_MODE, std::uint32_t{MACVLAN_MODE_BRIDGE});
  message.End(data);
  message.End(info);
  return netlink_.Request(message, fmt::format("create macvlan '{}'", place.name));
}

Result<void> Links::CreateVeth(std::string const& name, LinkPlace const& peer) {
  TRELLIS_CHECK(CheckName(name));
  TRELLIS_CHECK(CheckName(peer.name));
  NetlinkMessage message(RTM_NEWLINK, kCreate);
  message.Body<ifinfomsg>().ifi_family = AF_UNSPEC;
  message.Put(IFLA_IFNAME, name);
  auto* const info = message.Begin(IFLA_LINKINFO);
  message.Put(IFLA_INFO_KIND, "veth");
  auto* const data = message.Begin(IFLA_INFO_DATA);
  auto* const other = message.Begin(VETH_INFO_PEER);
  message.Body<ifinfomsg>().ifi_family = AF_UNSPEC;
  PutPlace(message, peer);
  message.End(other);
  message.End(data);
  message.End(info);
  return netlink_.Request(message, fmt::format("create veth '{}'", name));
}

Result<void> Links::CreateWireGuard(LinkPlace const& place) {
  TRELLIS_CHECK(CheckName(place.name));
  NetlinkMessage message(RTM_NEWLINK, kCreate);
  message.Body<ifinfomsg>().ifi_family = AF_UNSPEC;
  PutPlace(message, place);
  auto* const info = message.Begin(IFLA_LINKINFO);
  message.Put(IFLA_INFO_KIND, "wireguard");
  message.End(info);
  return netlink_.Request(message, fmt::format("create tunnel '{}'", place.name));
}

Result<void> Links::Move(int index, int netns_fd) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.Body<ifinfomsg>().ifi_index = index;
  message.Put(IFLA_NET_NS_FD, Wide(netns_fd));
  return netlink_.Request(message, fmt::format("move link {}", index));
}

Result<void> Links::SetFlags(int index, unsigned flags, char const* what) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  auto& body = message.Body<ifinfomsg>();
  body.ifi_index = index;
  body.ifi_change = IFF_UP;
  body.ifi_flags = flags;
  return netlink_.Request(message, fmt::format("bring link {} {}", index, what));
}

// A namespace that was removed has its links for a moment more, and nobody is told when they are
// gone: one of the same hardware address on the same bridge has to wait for that.
Result<void> Links::SetUp(int index) {
  auto const until = std::chrono::steady_clock::now() + kLinkPatience;
  for (;;) {
    auto done = SetFlags(index, IFF_UP, "up");
    bool const taken = !done && done.error().code == Code::kConflict;
    if (!taken || std::chrono::steady_clock::now() >= until) return done;
    std::this_thread::sleep_for(kLinkPause);
  }
}

Result<void> Links::SetDown(int index) {
  return SetFlags(index, 0, "down");
}

Result<void> Links::SetMaster(int index, int master) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.Body<ifinfomsg>().ifi_index = index;
  message.Put(IFLA_MASTER, Wide(master));
  return netlink_.Request(message, fmt::format("put link {} into bridge {}", index, master));
}

Result<void> Links::Delete(std::string const& name) {
  TRELLIS_CHECK(CheckName(name));
  NetlinkMessage message(RTM_DELLINK, 0);
  message.Body<ifinfomsg>().ifi_family = AF_UNSPEC;
  message.Put(IFLA_IFNAME, name);
  auto done = netlink_.Request(message, fmt::format("delete link '{}'", name));
  if (!done && done.error().code == Code::kNotFound) return {};
  return done;
}

Result<std::vector<IpNet>> Links::Addresses(int index) {
  NetlinkMessage message(RTM_GETADDR, NLM_F_DUMP);
  message.Body<ifaddrmsg>().ifa_family = AF_UNSPEC;
  std::vector<IpNet> out;
  TRELLIS_CHECK(netlink_.Query(message, "list addresses", [&](nlmsghdr const* found) {
    auto const& body = *static_cast<ifaddrmsg const*>(mnl_nlmsg_get_payload(found));
    if (index != 0 && body.ifa_index != Wide(index)) return;
    IpNet address{{}, body.ifa_prefixlen};
    EachAttribute(found, sizeof(ifaddrmsg), [&](nlattr const* attribute) {
      auto const type = mnl_attr_get_type(attribute);
      // For IPv4, IFA_ADDRESS may be the peer; the own address is IFA_LOCAL.
      if (type == IFA_LOCAL || (type == IFA_ADDRESS && address.ip.empty()))
        address.ip = ReadIp(attribute);
    });
    out.push_back(address);
  }));
  return out;
}

Result<void> Links::ChangeAddress(std::uint16_t type, int index, IpNet const& address) {
  NetlinkMessage message(type, type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_REPLACE : 0);
  auto& body = message.Body<ifaddrmsg>();
  body.ifa_family = address.ip.is_v4() ? AF_INET : AF_INET6;
  body.ifa_prefixlen = static_cast<std::uint8_t>(address.prefix);
  body.ifa_flags = address.ip.is_v6() ? IFA_F_NODAD : 0;
  body.ifa_index = Wide(index);
  message.Put(IFA_LOCAL, address.ip);
  message.Put(IFA_ADDRESS, address.ip);
  return netlink_.Request(message, fmt::format("change address '{}'", address.ToString()));
}

Result<void> Links::EnsureAddress(int index, IpNet const& address) {
  TRELLIS_TRY(auto const present, Addresses(index));
  if (std::find(present.begin(), present.end(), address) != present.end()) return {};
  return ChangeAddress(RTM_NEWADDR, index, address);
}

Result<void> Links::ConvergeAddresses(int index, std::vector<IpNet> const& wanted) {
  TRELLIS_TRY(auto const present, Addresses(index));
  for (auto const& address : present) {
    bool const keep = std::find(wanted.begin(), wanted.end(), address) != wanted.end();
    if (!keep && !IsLinkLocal(address.ip))
      TRELLIS_CHECK(ChangeAddress(RTM_DELADDR, index, address));
  }
  for (auto const& address : wanted) {
    if (std::find(present.begin(), present.end(), address) == present.end())
      TRELLIS_CHECK(ChangeAddress(RTM_NEWADDR, index, address));
  }
  return {};
}

Result<void> WriteSysctl(std::string const& path, std::string_view value) {
  auto const file = OpenFile("/proc/sys/net/" + path, O_WRONLY);
  if (!file && file.error().code == Code::kNotFound) return {};
  if (!file) return tl::unexpected<Error>(file.error());
  if (::write(file->get(), value.data(), value.size()) < 0) return FailErrno("set '{}'", path);
  return {};
}

}  // namespace trellis::plugins::network
