#include "plugins/network/control_socket.hpp"

#include "plugins/common/posix/files.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>

namespace trellis::plugins::network {

namespace {

constexpr timeval kLimit{5, 0};
/// 1,024 peers with a dozen ranges each are below a megabyte.
constexpr std::size_t kMaxAnswer = std::size_t{16} << 20;

Result<UniqueFd> Connect(std::string const& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Fail(Code::kInvalid, "the path '{}' is too long for a socket", path);
  path.copy(address.sun_path, path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return FailErrno("make a socket");
  for (int const option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    if (::setsockopt(fd.get(), SOL_SOCKET, option, &kLimit, sizeof kLimit) != 0)
      return FailErrno("limit the time of a socket");
  }
  if (::connect(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0)
    return Fail(Code::kUnavailable, "wireguard-go does not listen at '{}'", path);
  return fd;
}

tl::unexpected<Error> Broken() {
  if (errno == EAGAIN) return Fail(Code::kTimeout, "wireguard-go does not answer");
  return Fail(Code::kUnavailable, "wireguard-go ended the connection");
}

Result<void> Send(int fd, std::string_view text) {
  while (!text.empty()) {
    auto const sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return Broken();
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

}  // namespace

Result<std::string> AskSocket(std::string const& path, std::string_view request) {
  TRELLIS_TRY(auto const fd, Connect(path));
  TRELLIS_CHECK(Send(fd.get(), request));
  std::string answer;
  std::array<char, 16384> chunk{};
  while (!answer.ends_with("\n\n")) {
    auto const got = ::recv(fd.get(), chunk.data(), chunk.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Broken();
    if (got == 0) return Fail(Code::kUnavailable, "wireguard-go ended the connection");
    answer.append(chunk.data(), static_cast<std::size_t>(got));
    if (answer.size() > kMaxAnswer) return Fail(Code::kExhausted, "wireguard-go says too much");
  }
  return answer;
}

}  // namespace trellis::plugins::network
