#include "plugins/network/wireguard_netlink.hpp"

#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>

namespace trellis::plugins::network {

namespace {

// A range takes at most 44 bytes of a message's 4096, what is around it below 300.
constexpr std::size_t kRangesInMessage = 64;

std::unique_ptr<NetlinkMessage> Message(std::uint16_t family, std::uint8_t command,
                                        std::uint16_t flags, std::string const& link) {
  auto message = std::make_unique<NetlinkMessage>(family, flags);
  auto& body = message->Body<genlmsghdr>();
  body.cmd = command;
  body.version = WG_GENL_VERSION;
  message->Put(WGDEVICE_A_IFNAME, link);
  return message;
}

void PutPort(NetlinkMessage& message, std::uint16_t type, std::uint16_t value) {
  mnl_attr_put_u16(message.header(), type, value);
}

void PutEndpoint(NetlinkMessage& message, std::string_view text) {
  auto const colon = text.rfind(':');
  auto host = text.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  (void)std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  auto const ip = IpAddress::Parse(host).value_or(IpAddress());
  if (ip.is_v4()) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    std::memcpy(&address.sin_addr, ip.bytes().data(), sizeof address.sin_addr);
    message.PutBytes(WGPEER_A_ENDPOINT, &address, sizeof address);
  } else {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    std::memcpy(&address.sin6_addr, ip.bytes().data(), sizeof address.sin6_addr);
    message.PutBytes(WGPEER_A_ENDPOINT, &address, sizeof address);
  }
}

void PutRanges(NetlinkMessage& message, std::span<IpNet const> ranges) {
  auto* const list = message.Begin(WGPEER_A_ALLOWEDIPS);
  for (auto const& range : ranges) {
    auto* const entry = message.Begin(0);
    mnl_attr_put_u16(message.header(), WGALLOWEDIP_A_FAMILY, range.ip.is_v4() ? AF_INET : AF_INET6);
    message.Put(WGALLOWEDIP_A_IPADDR, range.ip);
    message.PutByte(WGALLOWEDIP_A_CIDR_MASK, static_cast<std::uint8_t>(range.prefix));
    message.End(entry);
  }
  message.End(list);
}

std::uint32_t FlagsOf(PeerChange const& peer, bool first) {
  if (peer.kind == PeerChange::Kind::kRemove) return WGPEER_F_REMOVE_ME;
  // A peer that went meanwhile does not come back without the rest of its configuration.
  bool const only = peer.kind == PeerChange::Kind::kChange || !first;
  return (only ? std::uint32_t{WGPEER_F_UPDATE_ONLY} : 0U) |
         (first && peer.allowed ? std::uint32_t{WGPEER_F_REPLACE_ALLOWEDIPS} : 0U);
}

// `from`: the first range that no message before this has.
void PutPeer(NetlinkMessage& message, PeerChange const& peer, std::size_t from) {
  bool const first = from == 0;
  auto* const peers = message.Begin(WGDEVICE_A_PEERS);
  auto* const entry = message.Begin(0);
  message.PutBytes(WGPEER_A_PUBLIC_KEY, peer.key.data(), peer.key.size());
  message.Put(WGPEER_A_FLAGS, FlagsOf(peer, first));
  if (first && peer.endpoint) PutEndpoint(message, *peer.endpoint);
  if (first && peer.keepalive)
    PutPort(message, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, *peer.keepalive);
  if (peer.allowed) {
    std::span<IpNet const> const rest = std::span(*peer.allowed).subspan(from);
    PutRanges(message, rest.first(std::min(rest.size(), kRangesInMessage)));
  }
  message.End(entry);
  message.End(peers);
}

template <class T>
T Read(nlattr const* attribute) {
  T value{};
  std::memcpy(&value, mnl_attr_get_payload(attribute),
              std::min<std::size_t>(sizeof value, mnl_attr_get_payload_len(attribute)));
  return value;
}

IpAddress ReadIp(void const* bytes, int family) {
  if (family == AF_INET) {
    std::array<std::uint8_t, 4> four{};
    std::memcpy(four.data(), bytes, four.size());
    return IpAddress::V4(four);
  }
  std::array<std::uint8_t, 16> sixteen{};
  std::memcpy(sixteen.data(), bytes, sixteen.size());
  return IpAddress::V6(sixteen);
}

std::string ReadEndpoint(nlattr const* attribute) {
  if (mnl_attr_get_payload_len(attribute) >= sizeof(sockaddr_in6)) {
    auto const address = Read<sockaddr_in6>(attribute);
    return fmt::format("[{}]:{}", ReadIp(&address.sin6_addr, AF_INET6).ToString(),
                       ntohs(address.sin6_port));
  }
  auto const address = Read<sockaddr_in>(attribute);
  return fmt::format("{}:{}", ReadIp(&address.sin_addr, AF_INET).ToString(),
                     ntohs(address.sin_port));
}

IpNet ReadRange(nlattr const* entry) {
  IpNet range;
  EachNested(entry, [&](nlattr const* attribute) {
    auto const size = mnl_attr_get_payload_len(attribute);
    auto const type = mnl_attr_get_type(attribute);
    if (type == WGALLOWEDIP_A_CIDR_MASK) range.prefix = Read<std::uint8_t>(attribute);
    if (type == WGALLOWEDIP_A_IPADDR && (size == 4 || size == 16))
      range.ip = ReadIp(mnl_attr_get_payload(attribute), size == 4 ? AF_INET : AF_INET6);
  });
  return range;
}

void ReadPeer(nlattr const* entry, WireGuardDevice& device) {
  WireGuardPeer* peer = nullptr;
  EachNested(entry, [&](nlattr const* attribute) {
    if (mnl_attr_get_type(attribute) == WGPEER_A_PUBLIC_KEY)
      peer = &device.peers[Read<WireGuardKey>(attribute)];
  });
  if (peer == nullptr) return;
  EachNested(entry, [&](nlattr const* attribute) {
    auto const type = mnl_attr_get_type(attribute);
    if (type == WGPEER_A_ENDPOINT) peer->endpoint = ReadEndpoint(attribute);
    if (type == WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL)
      peer->keepalive = Read<std::uint16_t>(attribute);
    if (type != WGPEER_A_ALLOWEDIPS) return;
    EachNested(attribute, [&](nlattr const* range) { peer->allowed.push_back(ReadRange(range)); });
  });
  SortRanges(peer->allowed);
}

// Of the generic netlink controller: the number of the protocol `wireguard`.
Result<std::uint16_t> FindFamily(Netlink& netlink) {
  NetlinkMessage message(GENL_ID_CTRL, NLM_F_ACK);
  auto& body = message.Body<genlmsghdr>();
  body.cmd = CTRL_CMD_GETFAMILY;
  body.version = 1;
  message.Put(CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
  std::uint16_t family = 0;
  TRELLIS_CHECK(
      netlink.Query(message, "look up the kernel's wireguard", [&](nlmsghdr const* found) {
        EachAttribute(found, sizeof(genlmsghdr), [&](nlattr const* attribute) {
          if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID)
            family = Read<std::uint16_t>(attribute);
        });
      }));
  if (family == 0) return Fail(Code::kNotFound, "the kernel has no wireguard");
  return family;
}

}  // namespace

std::vector<std::unique_ptr<NetlinkMessage>> SetMessages(std::uint16_t family,
                                                         std::string const& link,
                                                         WireGuardChange const& change) {
  std::vector<std::unique_ptr<NetlinkMessage>> messages;
  auto const begin = [&]() -> NetlinkMessage& {
    return *messages.emplace_back(Message(family, WG_CMD_SET_DEVICE, 0, link));
  };
  if (change.private_key || change.port) {
    auto& message = begin();
    if (change.private_key)
      message.PutBytes(WGDEVICE_A_PRIVATE_KEY, change.private_key->data(),
                       change.private_key->size());
    if (change.port) PutPort(message, WGDEVICE_A_LISTEN_PORT, *change.port);
  }
  for (auto const& peer : change.peers) {
    auto const ranges = peer.allowed ? peer.allowed->size() : 0;
    std::size_t from = 0;
    do {
      PutPeer(begin(), peer, from);
      from += kRangesInMessage;
    } while (from < ranges);
  }
  return messages;
}

void ReadDevice(nlmsghdr const* message, WireGuardDevice& device) {
  EachAttribute(message, sizeof(genlmsghdr), [&](nlattr const* attribute) {
    auto const type = mnl_attr_get_type(attribute);
    if (type == WGDEVICE_A_PRIVATE_KEY) device.private_key = Read<WireGuardKey>(attribute);
    if (type == WGDEVICE_A_LISTEN_PORT) device.port = Read<std::uint16_t>(attribute);
    if (type != WGDEVICE_A_PEERS) return;
    EachNested(attribute, [&](nlattr const* peer) { ReadPeer(peer, device); });
  });
}

Result<WireGuardDevice> ReadKernelDevice(std::string const& link) {
  TRELLIS_TRY(auto netlink, Netlink::Open(NETLINK_GENERIC));
  TRELLIS_TRY(auto const family, FindFamily(netlink));
  auto const message = Message(family, WG_CMD_GET_DEVICE, NLM_F_DUMP, link);
  WireGuardDevice device;
  TRELLIS_CHECK(netlink.Query(*message, fmt::format("read the tunnel of '{}'", link),
                              [&](nlmsghdr const* found) { ReadDevice(found, device); }));
  return device;
}

Result<void> ChangeKernelDevice(std::string const& link, WireGuardChange const& change) {
  TRELLIS_TRY(auto netlink, Netlink::Open(NETLINK_GENERIC));
  TRELLIS_TRY(auto const family, FindFamily(netlink));
  for (auto const& message : SetMessages(family, link, change))
    TRELLIS_CHECK(netlink.Request(*message, fmt::format("change the tunnel of '{}'", link)));
  return {};
}

}  // namespace trellis::plugins::network
