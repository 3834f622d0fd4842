#include "kernel/plugin/keeper_wire.hpp"

#include "kernel/sys/errors.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace trellis::keeper {

namespace {

Result<sockaddr_un> Address(std::string const& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Fail(Code::kInvalid, "the socket path '{}' is too long", path);
  std::copy(path.begin(), path.end(), std::begin(address.sun_path));
  return address;
}

sockaddr const* Generic(sockaddr_un const& address) {
  return reinterpret_cast<sockaddr const*>(&address);
}

/// Room for kMaxFds descriptors beside a packet.
struct alignas(cmsghdr) Control {
  std::array<char, CMSG_SPACE(sizeof(int) * kMaxFds)> bytes{};
};

void TakeFds(msghdr& header, Message& message) {
  for (auto* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    std::size_t const count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      message.fds.emplace_back(fd);
    }
  }
}

}  // namespace

Result<sys::UniqueFd> MakeSocket() {
  sys::UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket) return sys::Fail("make", "socket");
  int const bytes = static_cast<int>(kMaxMessage) + 4096;
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  return socket;
}

Result<sys::UniqueFd> Connect(std::string const& path) {
  TRELLIS_TRY(auto const address, Address(path));
  TRELLIS_TRY(auto socket, MakeSocket());
  if (::connect(socket.get(), Generic(address), sizeof address) == 0) return socket;
  if (errno == ENOENT || errno == ECONNREFUSED)
    return Fail(Code::kNotFound, "nobody listens on '{}'", path);
  return sys::Fail("connect", path);
}

Result<sys::UniqueFd> Listen(std::string const& path) {
  constexpr int kBacklog = 16;
  TRELLIS_TRY(auto const address, Address(path));
  TRELLIS_TRY(auto socket, MakeSocket());
  (void)::unlink(path.c_str());
  mode_t const old = ::umask(0177);
  int const bound = ::bind(socket.get(), Generic(address), sizeof address);
  ::umask(old);
  if (bound != 0) return sys::Fail("bind", path);
  if (::listen(socket.get(), kBacklog) != 0) return sys::Fail("listen", path);
  return socket;
}

Result<void> Send(int socket, std::string_view text, std::span<int const> fds) {
  if (text.size() > kMaxMessage || fds.size() > kMaxFds)
    return Fail(Code::kExhausted, "a message of {} bytes and {} descriptors is too large",
                text.size(), fds.size());
  std::string copy(text);  // iovec wants memory it could write to
  iovec part{copy.data(), copy.size()};
  Control control;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    header.msg_control = control.bytes.data();
    header.msg_controllen = CMSG_SPACE(fds.size_bytes());
    auto* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  }
  while (::sendmsg(socket, &header, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    return Fail(Code::kUnavailable, "the keeper's connection: {}", std::strerror(errno));
  }
  return {};
}

Result<Message> Receive(int socket) {
  Message message;
  message.text.resize(kMaxMessage);
  Control control;
  iovec part{message.text.data(), message.text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes.data();
  header.msg_controllen = control.bytes.size();
  ssize_t got = -1;
  do {
    got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return Fail(Code::kBusy, "nothing to receive");
  if (got <= 0) return Fail(Code::kUnavailable, "the connection to the keeper ended");
  TakeFds(header, message);
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return Fail(Code::kUnavailable, "a message was cut off");
  message.text.resize(static_cast<std::size_t>(got));
  message.text.shrink_to_fit();
  return message;
}

}  // namespace trellis::keeper
