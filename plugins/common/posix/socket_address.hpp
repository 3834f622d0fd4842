// Addresses as sockets want them.
#pragma once

#include <trellis/net.hpp>
#include <trellis/result.hpp>

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace trellis::plugins {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] int family() const { return storage.ss_family; }
  [[nodiscard]] sockaddr const* raw() const { return reinterpret_cast<sockaddr const*>(&storage); }
};

SocketAddress MakeSocketAddress(IpAddress const& ip, std::uint16_t port);
/// `ip:port`, IPv6 in brackets. kInvalid when it is none, or the port is 0.
Result<SocketAddress> ReadSocketAddress(std::string const& text);

}  // namespace trellis::plugins
