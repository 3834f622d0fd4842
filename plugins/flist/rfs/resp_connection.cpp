#include "plugins/flist/rfs/resp_connection.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <charconv>
#include <memory>

namespace trellis::plugins::flist {

namespace {

constexpr std::chrono::seconds kConnectLimit{5};
constexpr std::chrono::seconds kAnswerLimit{10};
constexpr std::size_t kMaxLine = 1024;
constexpr std::size_t kMaxError = 200;  // of a stranger's words in our messages

tl::unexpected<Error> Lost(std::string_view why) {
  return Fail(Code::kUnavailable, "{}", why);
}
tl::unexpected<Error> LostErrno() {
  return Lost(std::strerror(errno));  // NOLINT(concurrency-mt-unsafe): glibc's is
}

Result<void> FinishConnect(int fd) {
  pollfd wait{fd, POLLOUT, 0};
  auto const limit = std::chrono::milliseconds(kConnectLimit).count();
  if (::poll(&wait, 1, static_cast<int>(limit)) != 1) return Lost("no answer");
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return LostErrno();
  errno = error;
  if (error != 0) return LostErrno();
  return {};
}

Result<UniqueFd> Connect(sockaddr const* address, socklen_t size) {
  UniqueFd fd(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return LostErrno();
  if (::connect(fd.get(), address, size) == 0) return fd;
  if (errno != EINPROGRESS && errno != EAGAIN) return LostErrno();
  TRELLIS_CHECK(FinishConnect(fd.get()));
  return fd;
}

}  // namespace

Result<RespConnection> RespConnection::Tcp(std::string const& host, std::string const& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int const bad = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); bad != 0)
    return Lost(::gai_strerror(bad));
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> const all(found, &::freeaddrinfo);
  Result<UniqueFd> fd = Lost("no address");
  for (auto const* each = found; each != nullptr && !fd; each = each->ai_next)
    fd = flist::Connect(each->ai_addr, each->ai_addrlen);
  if (!fd) return tl::unexpected<Error>(fd.error());
  return RespConnection(*std::move(fd));
}

Result<RespConnection> RespConnection::Unix(std::string const& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Lost("its path is too long");
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  TRELLIS_TRY(auto fd, flist::Connect(reinterpret_cast<sockaddr const*>(&address), sizeof address));
  return RespConnection(std::move(fd));
}

Result<void> RespConnection::Wait(short events) const {
  auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(until_ - Clock::now());
  pollfd wait{fd_.get(), events, 0};
  if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) == 0)
    return Lost("no answer");
  return {};
}

Result<void> RespConnection::Send(std::string_view bytes) const {
  while (!bytes.empty()) {
    auto const sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) {
      TRELLIS_CHECK(Wait(POLLOUT));
      continue;
    }
    if (sent < 0) return LostErrno();
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<void> RespConnection::Receive() {
  std::array<char, 65536> chunk;  // NOLINT(*-init): filled by recv
  while (true) {
    auto const got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
    if (got == 0) return Lost("the connection was closed");
    if (got > 0) {
      buffer_.append(chunk.data(), static_cast<std::size_t>(got));
      return {};
    }
    if (errno != EAGAIN && errno != EINTR) return LostErrno();
    if (errno == EAGAIN) TRELLIS_CHECK(Wait(POLLIN));
  }
}

Result<std::string> RespConnection::ReadLine() {
  while (true) {
    auto const end = buffer_.find("\r\n");
    if (end != std::string::npos) {
      auto line = buffer_.substr(0, end);
      buffer_.erase(0, end + 2);
      return line;
    }
    if (buffer_.size() > kMaxLine) return Lost("the answer is not of this protocol");
    TRELLIS_CHECK(Receive());
  }
}

Result<std::string> RespConnection::ReadExactly(std::size_t bytes) {
  while (buffer_.size() < bytes)
    TRELLIS_CHECK(Receive());
  auto text = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return text;
}

Result<std::optional<std::string>> RespConnection::Ask(std::vector<std::string_view> const& words,
                                                       std::size_t limit) {
  until_ = Clock::now() + kAnswerLimit;
  std::string question = fmt::format("*{}\r\n", words.size());
  for (auto const word : words)
    question += fmt::format("${}\r\n{}\r\n", word.size(), word);
  TRELLIS_CHECK(Send(question));
  TRELLIS_TRY(auto const line, ReadLine());
  auto const rest = std::string_view(line).substr(std::min<std::size_t>(1, line.size()));
  if (line.starts_with('-'))
    return Fail(Code::kIo, "the server answered '{}'", rest.substr(0, kMaxError));
  if (line.starts_with('+')) return std::optional<std::string>(rest);
  std::int64_t size = 0;
  auto const parsed = std::from_chars(rest.data(), rest.data() + rest.size(), size);
  bool const sized =
      line.starts_with('$') && parsed.ec == std::errc() && parsed.ptr == rest.data() + rest.size();
  if (sized && size == -1) return std::optional<std::string>();
  if (!sized || size < 0 || static_cast<std::uint64_t>(size) > limit) {
    fd_.Reset();  // what follows is not the beginning of an answer
    return Fail(Code::kDecode, "the answer is not of this protocol, or too long");
  }
  TRELLIS_TRY(auto text, ReadExactly(static_cast<std::size_t>(size)));
  TRELLIS_TRY(auto const end, ReadExactly(2));
  if (end != "\r\n") return Lost("the answer is not of this protocol");
  return std::optional<std::string>(std::move(text));
}

}  // namespace trellis::plugins::flist
