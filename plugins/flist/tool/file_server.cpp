#include "plugins/flist/tool/file_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <charconv>
#include <list>
#include <system_error>
#include <thread>
#include <utility>

namespace trellis::plugins::flist {

namespace {

constexpr int kMaxConnections = 256;
constexpr int kBacklog = 128;
constexpr int kShortageMs = 100;  // until a server without descriptors or threads looks again

struct Address {
  sockaddr_storage raw{};
  socklen_t size = 0;
};

Result<Address> ParseListen(std::string const& listen) {
  auto const bad = [&] { return Fail(Code::kInvalid, "'{}' is not <ip>:<port>", listen); };
  auto const colon = listen.rfind(':');
  if (colon == std::string::npos) return bad();
  auto host = listen.substr(0, colon);
  std::uint16_t port = 0;
  auto const* const end = listen.data() + listen.size();
  auto const parsed = std::from_chars(listen.data() + colon + 1, end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end) return bad();
  Address address;
  auto* const four = reinterpret_cast<sockaddr_in*>(&address.raw);
  auto* const six = reinterpret_cast<sockaddr_in6*>(&address.raw);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    address.size = sizeof *six;
    if (::inet_pton(AF_INET6, host.c_str(), &six->sin6_addr) != 1) return bad();
    return address;
  }
  four->sin_family = AF_INET;
  four->sin_port = htons(port);
  address.size = sizeof *four;
  if (::inet_pton(AF_INET, host.c_str(), &four->sin_addr) != 1) return bad();
  return address;
}

bool IsShortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/// A client's thread. Its socket is shut down when the server ends, so that the thread ends too.
class Connection {
 public:
  /// Throws std::system_error when no thread can be started, as std::jthread does.
  Connection(std::string const& root, UniqueFd fd, ClientLimits const& limits)
      : fd_(std::move(fd)) {
    thread_ = std::jthread([this, &root, &limits] {
      ServeClient(root, fd_.get(), limits);
      ::shutdown(fd_.get(), SHUT_RDWR);
      done_ = true;
    });
  }
  ~Connection() { ::shutdown(fd_.get(), SHUT_RDWR); }
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;
  [[nodiscard]] bool done() const { return done_; }

 private:
  UniqueFd fd_;
  std::atomic<bool> done_ = false;
  std::jthread thread_;
};

}  // namespace

FileServer::FileServer(std::string root, UniqueFd listener, ClientLimits limits)
    : root_(std::move(root)), listener_(std::move(listener)), limits_(limits) {}

Result<std::unique_ptr<FileServer>> FileServer::Open(std::string const& root,
                                                     std::string const& listen,
                                                     ClientLimits limits) {
  TRELLIS_TRY(auto const dir, OpenFile(root, O_PATH | O_DIRECTORY));
  TRELLIS_TRY(auto const address, ParseListen(listen));
  UniqueFd fd(::socket(address.raw.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int const yes = 1;
  auto const* const raw = reinterpret_cast<sockaddr const*>(&address.raw);
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      ::bind(fd.get(), raw, address.size) != 0 || ::listen(fd.get(), kBacklog) != 0)
    return FailErrno("listen at '{}'", listen);
  return std::unique_ptr<FileServer>(new FileServer(RealPath(root), std::move(fd), limits));
}

std::string FileServer::url() const {
  sockaddr_storage raw{};
  socklen_t size = sizeof raw;
  (void)::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&raw), &size);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (raw.ss_family == AF_INET6) {
    auto const* const six = reinterpret_cast<sockaddr_in6 const*>(&raw);
    (void)::inet_ntop(AF_INET6, &six->sin6_addr, text.data(), text.size());
    return fmt::format("http://[{}]:{}", text.data(), ntohs(six->sin6_port));
  }
  auto const* const four = reinterpret_cast<sockaddr_in const*>(&raw);
  (void)::inet_ntop(AF_INET, &four->sin_addr, text.data(), text.size());
  return fmt::format("http://{}:{}", text.data(), ntohs(four->sin_port));
}

Result<void> FileServer::Run(int until) {
  std::list<Connection> connections;
  bool shortage = false;
  while (true) {
    // Who could not be taken still waits: without a pause we would be told so again and again.
    bool const pause = std::exchange(shortage, false);
    std::array<pollfd, 2> waits{pollfd{pause ? -1 : listener_.get(), POLLIN, 0},
                                pollfd{until, POLLIN, 0}};
    if (::poll(waits.data(), waits.size(), pause ? kShortageMs : -1) < 0 && errno != EINTR)
      return FailErrno("wait");
    if (waits[1].revents != 0) return {};
    if (waits[0].revents == 0) continue;
    UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    shortage = !client && IsShortage(errno);
    connections.remove_if([](Connection const& each) { return each.done(); });
    if (!client || connections.size() >= kMaxConnections) continue;
    try {
      connections.emplace_back(root_, std::move(client), limits_);
    } catch (std::system_error const&) {  // no thread: the client was closed
      shortage = true;
    }
  }
}

}  // namespace trellis::plugins::flist
