#include "plugins/common/posix/unix_client.hpp"

#include "plugins/common/posix/files.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>

namespace trellis::plugins {

namespace {

using Clock = std::chrono::steady_clock;

/// 10,000 routes of the proxy are shown in 1 MB, a tunnel with 1,024 peers in less.
constexpr std::size_t kMaxReply = std::size_t{64} << 20;

Result<UniqueFd> Connect(std::string const& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Fail(Code::kInvalid, "the path '{}' is too long for a socket", path);
  path.copy(address.sun_path, path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return FailErrno("make a socket");
  if (::connect(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0)
    return Fail(Code::kUnavailable, "nobody listens at '{}'", path);
  return fd;
}

Result<void> WaitFor(int fd, short events, Clock::time_point until) {
  while (true) {
    auto const left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd entry{fd, events, 0};
    int const ready = left <= 0 ? 0 : ::poll(&entry, 1, static_cast<int>(left));
    if (ready > 0) return {};
    if (ready == 0) return Fail(Code::kTimeout, "no answer in time");
    if (errno != EINTR) return FailErrno("wait for an answer");
  }
}

Result<void> SendAll(int fd, std::string_view text, Clock::time_point until) {
  while (!text.empty()) {
    auto const sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      TRELLIS_CHECK(WaitFor(fd, POLLOUT, until));
    } else if (errno != EINTR) {
      return Fail(Code::kUnavailable, "the connection was ended");
    }
  }
  return {};
}

Result<std::string> Receive(int fd, std::string_view end, Clock::time_point until) {
  std::string reply;
  std::array<char, 16384> chunk{};
  while (true) {
    TRELLIS_CHECK(WaitFor(fd, POLLIN, until));
    auto const got = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (got == 0 && end.empty()) return reply;
    if (got == 0) return Fail(Code::kUnavailable, "the connection was ended");
    if (got > 0) {
      reply.append(chunk.data(), static_cast<std::size_t>(got));
      if (!end.empty() && reply.ends_with(end)) return reply;
      if (reply.size() > kMaxReply) return Fail(Code::kExhausted, "an answer is too long");
    } else if (errno != EAGAIN && errno != EINTR) {
      return Fail(Code::kUnavailable, "the connection was ended");
    }
  }
}

}  // namespace

Result<std::string> AskUnix(std::string const& path, std::string_view text, std::string_view end) {
  auto const until = Clock::now() + kAnswerLimit;
  TRELLIS_TRY(auto const fd, Connect(path));
  TRELLIS_CHECK(SendAll(fd.get(), text, until));
  return Receive(fd.get(), end, until);
}

}  // namespace trellis::plugins
