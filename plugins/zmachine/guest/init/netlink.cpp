#include "plugins/zmachine/guest/init/netlink.hpp"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace trellis::guest {
namespace {

/// One request under construction.
class Request {
 public:
  template <class Body>
  Request(std::uint16_t type, std::uint16_t flags, Body const& body) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST | NLM_F_ACK);
    Append(&header, sizeof(header));
    Append(&body, sizeof(body));
  }

  void Attribute(std::uint16_t type, void const* data, std::size_t size) {
    rtattr attribute{};
    attribute.rta_type = type;
    attribute.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(size));
    Append(&attribute, sizeof(attribute));
    Append(data, size);
  }

  /// Sends it and waits for the kernel's answer: 0 or an errno.
  int Send(int socket) {
    auto const size = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &size, sizeof(size));
    if (::send(socket, bytes_.data(), bytes_.size(), 0) < 0) return errno;
    std::array<char, 4096> answer{};
    auto const got = ::recv(socket, answer.data(), answer.size(), 0);
    if (got < static_cast<ssize_t>(NLMSG_HDRLEN + sizeof(nlmsgerr))) return EIO;
    nlmsgerr result{};
    std::memcpy(&result, answer.data() + NLMSG_HDRLEN, sizeof(result));
    return -result.error;
  }

 private:
  void Append(void const* data, std::size_t size) {
    auto const at = bytes_.size();
    bytes_.resize(NLMSG_ALIGN(at + size));
    std::memcpy(bytes_.data() + at, data, size);
  }

  std::vector<std::uint8_t> bytes_;
};

}  // namespace

std::optional<Network> Network::Parse(std::string_view text) {
  auto const slash = text.find('/');
  std::string const address(text.substr(0, slash));
  Network out;
  bool const v6 = address.find(':') != std::string::npos;
  out.family = v6 ? AF_INET6 : AF_INET;
  out.prefix = v6 ? 128 : 32;
  out.address.resize(v6 ? 16 : 4);
  if (::inet_pton(out.family, address.c_str(), out.address.data()) != 1) return std::nullopt;
  if (slash == std::string_view::npos) return out;
  auto const digits = text.substr(slash + 1);
  std::uint8_t prefix = 0;
  auto const end = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (end.ec != std::errc{} || prefix > out.prefix) return std::nullopt;
  out.prefix = prefix;
  return out;
}

Netlink::Netlink() : socket_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {}

int Netlink::SetUp(int interface) const {
  ifinfomsg body{};
  body.ifi_index = interface;
  body.ifi_flags = IFF_UP;
  body.ifi_change = IFF_UP;
  return Request(RTM_NEWLINK, 0, body).Send(socket_.get());
}

int Netlink::AddAddress(int interface, Network const& address) const {
  ifaddrmsg body{};
  body.ifa_family = address.family;
  body.ifa_prefixlen = address.prefix;
  body.ifa_flags = address.family == AF_INET6 ? IFA_F_NODAD : 0;
  body.ifa_index = static_cast<std::uint32_t>(interface);
  Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, body);
  request.Attribute(IFA_LOCAL, address.address.data(), address.address.size());
  request.Attribute(IFA_ADDRESS, address.address.data(), address.address.size());
  return request.Send(socket_.get());
}

int Netlink::AddRoute(int interface, std::optional<Network> const& to, Network const& via) const {
  int const result = SendRoute(interface, to, via, 0);
  // A gateway outside the interface's networks is still reachable on its link.
  return result == ENETUNREACH || result == EHOSTUNREACH
             ? SendRoute(interface, to, via, RTNH_F_ONLINK)
             : result;
}

int Netlink::SendRoute(int interface, std::optional<Network> const& to, Network const& via,
                       std::uint32_t flags) const {
  rtmsg body{};
  body.rtm_family = via.family;
  body.rtm_dst_len = to ? to->prefix : 0;
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = RTPROT_BOOT;
  body.rtm_scope = RT_SCOPE_UNIVERSE;
  body.rtm_type = RTN_UNICAST;
  body.rtm_flags = flags;
  Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, body);
  if (to) request.Attribute(RTA_DST, to->address.data(), to->address.size());
  request.Attribute(RTA_GATEWAY, via.address.data(), via.address.size());
  request.Attribute(RTA_OIF, &interface, sizeof(interface));
  return request.Send(socket_.get());
}

}  // namespace trellis::guest
