#include "plugins/zmachine/guest/hello/ask.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace trellis::hello {

namespace {

constexpr std::uint16_t kPort = 80;
constexpr std::size_t kMaxAnswer = 65536;
constexpr timeval kLimit{3, 0};
constexpr char const* kRequest = "GET / HTTP/1.1\r\nHost: machine\r\nConnection: close\r\n\r\n";

/// -1: no connection.
int Connect(std::string const& address) {
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(kPort);
  // IPv4 as a mapped address.
  auto const text = address.find(':') == std::string::npos ? "::ffff:" + address : address;
  if (::inet_pton(AF_INET6, text.c_str(), &to.sin6_addr) != 1) return -1;
  int const fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kLimit, sizeof kLimit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kLimit, sizeof kLimit);
  if (::connect(fd, reinterpret_cast<sockaddr const*>(&to), sizeof to) == 0) return fd;
  ::close(fd);
  return -1;
}

}  // namespace

std::optional<std::string> Ask(std::string const& address) {
  int const fd = Connect(address);
  if (fd < 0) return std::nullopt;
  std::string answer;
  std::array<char, 4096> buffer{};
  if (::send(fd, kRequest, std::strlen(kRequest), MSG_NOSIGNAL) > 0) {
    ssize_t size = 0;
    while (answer.size() < kMaxAnswer && (size = ::recv(fd, buffer.data(), buffer.size(), 0)) > 0)
      answer.append(buffer.data(), static_cast<std::size_t>(size));
  }
  ::close(fd);
  auto const body = answer.find("\r\n\r\n");
  if (body == std::string::npos) return std::nullopt;
  return answer.substr(body + 4);
}

}  // namespace trellis::hello
