#include "plugins/gateway/listen/sockets.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/socket_address.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <map>

namespace trellis::plugins::gateway {

namespace {

Result<UniqueFd> Open(std::string const& text) {
  TRELLIS_TRY(auto const address, ReadSocketAddress(text));
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  int const on = 1;
  bool const six = address.family() == AF_INET6;
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      (six && ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0))
    return FailErrno("make a socket");
  if (::bind(fd.get(), address.raw(), address.size) != 0 || ::listen(fd.get(), SOMAXCONN) != 0)
    return FailErrno("listen at {}", text);
  return fd;
}

}  // namespace

Result<void> ListenAt(std::vector<std::string> const& addresses, int first) {
  auto const behind = first + static_cast<int>(addresses.size());
  std::map<std::string, UniqueFd> open;
  for (int at = first; auto const& address : addresses) {
    if (!open.contains(address)) {
      TRELLIS_TRY(auto const fd, Open(address));
      // Out of the way of the descriptors that are promised.
      open[address] = UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, behind));
    }
    if (::dup2(open[address].get(), at++) < 0) return FailErrno("pass {} on", address);
  }
  return {};
}

}  // namespace trellis::plugins::gateway
