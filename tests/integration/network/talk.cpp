#include "tests/integration/network/talk.hpp"

#include "tests/support/patience.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

namespace trellis::plugins::network {

namespace {

constexpr std::chrono::milliseconds kTry{2000};
constexpr int kBacklog = 16;
constexpr std::size_t kMaxText = 2048;

// On all addresses of the thread's namespace.
Result<UniqueFd> Bound(int type, std::uint16_t port) {
  UniqueFd fd(::socket(AF_INET6, type | SOCK_CLOEXEC, 0));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  if (!fd || ::bind(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0)
    return FailErrno("take port {}", port);
  return fd;
}

Result<UniqueFd> BoundIn(Namespaces const& namespaces, std::string const& name, int type,
                         std::uint16_t port) {
  if (name.empty()) return Bound(type, port);
  UniqueFd fd;
  TRELLIS_CHECK(namespaces.RunIn(name, [&]() -> Result<void> {
    TRELLIS_TRY(fd, Bound(type, port));
    return {};
  }));
  return fd;
}

Talk Outcome(UniqueFd const& fd, std::chrono::milliseconds limit) {
  pollfd wait{fd.get(), POLLOUT, 0};
  if (::poll(&wait, 1, static_cast<int>(limit.count())) != 1) return Talk::kSilent;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? Talk::kConnected : Talk::kRefused;
}

// A socket that is connected to the address, or on the way; -1 in errno's terms otherwise.
int ConnectTo(UniqueFd const& fd, IpAddress const& to, std::uint16_t port) {
  sockaddr_in6 six{};
  sockaddr_in four{};
  six.sin6_family = AF_INET6;
  four.sin_family = AF_INET;
  six.sin6_port = four.sin_port = htons(port);
  std::memcpy(&four.sin_addr, to.bytes().data(), sizeof four.sin_addr);
  std::memcpy(&six.sin6_addr, to.bytes().data(), sizeof six.sin6_addr);
  return to.is_v4() ? ::connect(fd.get(), reinterpret_cast<sockaddr const*>(&four), sizeof four)
                    : ::connect(fd.get(), reinterpret_cast<sockaddr const*>(&six), sizeof six);
}

UniqueFd OpenSocket(IpAddress const& to, int type) {
  return UniqueFd(::socket(to.is_v4() ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0));
}

Talk TryTo(IpAddress const& to, std::uint16_t port, std::chrono::milliseconds limit) {
  auto const fd = OpenSocket(to, SOCK_STREAM | SOCK_NONBLOCK);
  int const done = ConnectTo(fd, to, port);
  if (done != 0 && errno != EINPROGRESS) return Talk::kRefused;
  return Outcome(fd, limit);
}

}  // namespace

Result<UniqueFd> Listen(Namespaces const& namespaces, std::string const& name, std::uint16_t port) {
  TRELLIS_TRY(auto fd, BoundIn(namespaces, name, SOCK_STREAM, port));
  if (::listen(fd.get(), kBacklog) != 0) return FailErrno("listen on port {}", port);
  return fd;
}

Talk Connect(Namespaces const& namespaces, std::string const& from, IpAddress const& to,
             std::uint16_t port, std::chrono::milliseconds limit) {
  auto outcome = Talk::kSilent;
  (void)namespaces.RunIn(from, [&]() -> Result<void> {
    outcome = TryTo(to, port, limit);
    return {};
  });
  return outcome;
}

bool Connects(Namespaces const& namespaces, std::string const& from, std::string const& to,
              std::uint16_t port) {
  auto const address = IpAddress::Parse(to);
  auto const until = std::chrono::steady_clock::now() + trellis::testing::kPatience;
  while (address && std::chrono::steady_clock::now() < until) {
    if (Connect(namespaces, from, *address, port, kTry) == Talk::kConnected) return true;
  }
  return false;
}

Result<Ear> Ear::Open(Namespaces const& namespaces, std::string const& name, std::uint16_t port) {
  TRELLIS_TRY(auto fd, BoundIn(namespaces, name, SOCK_DGRAM, port));
  return Ear(std::move(fd));
}

std::string Ear::Next(std::chrono::milliseconds limit) const {
  pollfd wait{socket_.get(), POLLIN, 0};
  if (::poll(&wait, 1, static_cast<int>(limit.count())) != 1) return "";
  std::array<char, kMaxText> buffer{};
  auto const size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : "";
}

void Say(Namespaces const& namespaces, std::string const& from, std::string const& to,
         std::uint16_t port, std::string const& text) {
  (void)namespaces.RunIn(from, [&]() -> Result<void> {
    TRELLIS_TRY(auto const address, IpAddress::Parse(to));
    auto const fd = OpenSocket(address, SOCK_DGRAM);
    if (ConnectTo(fd, address, port) == 0) (void)::send(fd.get(), text.data(), text.size(), 0);
    return {};
  });
}

}  // namespace trellis::plugins::network
