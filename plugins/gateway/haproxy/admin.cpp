#include "plugins/gateway/haproxy/admin.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/gateway/haproxy/lines.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>

namespace trellis::plugins::gateway {

namespace {

using Clock = std::chrono::steady_clock;

/// One command line must fit the proxy's buffer of 16 KiB.
constexpr std::size_t kMaxBatch = 12000;
/// 10,000 routes are shown in 1 MB.
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
    return Fail(Code::kUnavailable, "the proxy does not listen at '{}'", path);
  return fd;
}

Result<void> WaitFor(int fd, short events, Clock::time_point until) {
  while (true) {
    auto const left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd entry{fd, events, 0};
    int const ready = left <= 0 ? 0 : ::poll(&entry, 1, static_cast<int>(left));
    if (ready > 0) return {};
    if (ready == 0) return Fail(Code::kTimeout, "the proxy does not answer");
    if (errno != EINTR) return FailErrno("wait for the proxy");
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
      return Fail(Code::kUnavailable, "the proxy ended the connection");
    }
  }
  return {};
}

Result<std::string> ReceiveAll(int fd, Clock::time_point until) {
  std::string reply;
  std::array<char, 16384> chunk{};
  while (true) {
    TRELLIS_CHECK(WaitFor(fd, POLLIN, until));
    auto const got = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (got == 0) return reply;
    if (got > 0) {
      reply.append(chunk.data(), static_cast<std::size_t>(got));
      if (reply.size() > kMaxReply) return Fail(Code::kExhausted, "the proxy says too much");
    } else if (errno != EAGAIN && errno != EINTR) {
      return Fail(Code::kUnavailable, "the proxy ended the connection");
    }
  }
}

/// What a batch printed beside empty lines and remarks on keys that are missing.
std::string Complaint(std::string_view reply) {
  constexpr std::string_view kMissing = "not found.";
  while (!reply.empty()) {
    auto const line = TakeLine(reply);
    if (!line.empty() && !line.ends_with(kMissing)) return std::string(line);
  }
  return {};
}

}  // namespace

Result<std::string> AdminSocket::Run(std::string_view command) const {
  auto const until = Clock::now() + kAdminLimit;
  TRELLIS_TRY(auto const fd, Connect(path_));
  TRELLIS_CHECK(SendAll(fd.get(), std::string(command) + "\n", until));
  return ReceiveAll(fd.get(), until);
}

Result<void> AdminSocket::RunAll(std::vector<std::string> const& commands) const {
  for (std::size_t next = 0; next < commands.size();) {
    auto batch = commands[next++];
    while (next < commands.size() && batch.size() + commands[next].size() < kMaxBatch)
      batch += ";" + commands[next++];
    TRELLIS_TRY(auto const reply, Run(batch));
    if (auto const complaint = Complaint(reply); !complaint.empty())
      return Fail(Code::kIo, "the proxy refused a change: {}", complaint);
  }
  return {};
}

Result<std::multimap<std::string, std::string>> AdminSocket::ShowMap(
    std::string const& path) const {
  TRELLIS_TRY(auto const reply, Run("show map " + path));
  std::multimap<std::string, std::string> entries;
  std::string_view rest(reply);
  while (!rest.empty()) {  // 0x55… key value
    auto const line = TakeLine(rest);
    if (line.empty()) continue;
    auto const key = line.find(' ');
    if (!line.starts_with("0x") || key == std::string_view::npos)
      return Fail(Code::kIo, "the proxy does not show '{}': {}", path, line);
    auto const value = line.find(' ', key + 1);
    entries.emplace(line.substr(key + 1, value - key - 1),
                    value == std::string_view::npos ? std::string_view() : line.substr(value + 1));
  }
  return entries;
}

bool AdminSocket::Answers() const {
  auto const reply = Run("show version");
  return reply.has_value();
}

}  // namespace trellis::plugins::gateway
