#include "plugins/common/posix/socket_address.hpp"

#include <netinet/in.h>

#include <charconv>
#include <cstring>

namespace trellis::plugins {

SocketAddress MakeSocketAddress(IpAddress const& ip, std::uint16_t port) {
  SocketAddress address;
  if (ip.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, ip.bytes().data(), sizeof v4.sin_addr);
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, ip.bytes().data(), sizeof v6.sin6_addr);
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.size = sizeof v6;
  }
  return address;
}

Result<SocketAddress> ReadSocketAddress(std::string const& text) {
  auto const colon = text.rfind(':');
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  auto const ip = IpAddress::Parse(host);
  std::uint16_t port = 0;
  if (colon != std::string::npos)
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  if (!ip || ip->empty() || port == 0)
    return Fail(Code::kInvalid, "'{}' is not an ip address and a port", text);
  return MakeSocketAddress(*ip, port);
}

}  // namespace trellis::plugins
