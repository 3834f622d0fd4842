#include "plugins/gateway/daemon/connection.hpp"

#include "plugins/common/posix/socket_address.hpp"

#include <trellis/net.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace trellis::plugins::gateway {

namespace {

/// The thread is in another network namespace as long as this lives.
class Visit {
 public:
  static Result<Visit> Enter(std::string const& path) {
    TRELLIS_TRY(auto home, OpenFile("/proc/thread-self/ns/net", O_RDONLY));
    TRELLIS_TRY(auto const target, OpenFile(path, O_RDONLY));
    if (::setns(target.get(), CLONE_NEWNET) != 0) return FailErrno("enter '{}'", path);
    return Visit(std::move(home));
  }
  ~Visit() {
    // In a stranger's namespace every further socket would be wrong.
    if (home_ && ::setns(home_.get(), CLONE_NEWNET) != 0) std::abort();
  }
  Visit(Visit&&) = default;
  Visit& operator=(Visit&&) = delete;
  Visit(Visit const&) = delete;
  Visit& operator=(Visit const&) = delete;

 private:
  explicit Visit(UniqueFd home) : home_(std::move(home)) {}
  UniqueFd home_;
};

Result<UniqueFd> SocketIn(std::string const& netns, int family) {
  TRELLIS_TRY(auto const visit, Visit::Enter(netns));
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return FailErrno("make a socket");
  return fd;
}

bool Connected(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

void SendAtOnce(int fd) {
  int const on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
                     sizeof on);  // only slower without
}

}  // namespace

Result<UniqueFd> Dial(Place const& place) {
  TRELLIS_TRY(auto const ip, IpAddress::Parse(place.ip));
  auto const address = MakeSocketAddress(ip, place.port);
  TRELLIS_TRY(auto fd, SocketIn(place.netns, address.family()));
  int const done = ::connect(fd.get(), address.raw(), address.size);
  if (done != 0 && errno != EINPROGRESS) return FailErrno("connect to {}", place.ip);
  return fd;
}

Connection::Connection(Loop& loop, UniqueFd client, UniqueFd server, Pump up, Pump down,
                       Ended ended)
    : loop_(loop),
      client_(std::move(client)),
      server_(std::move(server)),
      up_(std::move(up)),
      down_(std::move(down)),
      ended_(std::move(ended)) {}

Connection::~Connection() {
  loop_.Remove(client_.get());
  loop_.Remove(server_.get());
}

Result<std::unique_ptr<Connection>> Connection::Open(Loop& loop, UniqueFd client,
                                                     Place const& place, Ended ended) {
  TRELLIS_TRY(auto server, Dial(place));
  TRELLIS_TRY(auto up, Pump::Open(client.get(), server.get()));
  TRELLIS_TRY(auto down, Pump::Open(server.get(), client.get()));
  SendAtOnce(client.get());
  SendAtOnce(server.get());
  std::unique_ptr<Connection> made(new Connection(loop, std::move(client), std::move(server),
                                                  std::move(up), std::move(down),
                                                  std::move(ended)));
  auto* const self = made.get();
  for (int const fd : {made->client_.get(), made->server_.get()}) {
    std::uint32_t const first = fd == made->server_.get() ? std::uint32_t{EPOLLOUT} : 0U;
    TRELLIS_CHECK(
        loop.Add(fd, first, [self, fd](std::uint32_t events) { self->OnEvent(fd, events); }));
  }
  return made;
}

void Connection::OnEvent(int fd, std::uint32_t events) {
  bool const goes_on = Step(fd, events) && !(up_.done() && down_.done());
  if (goes_on) return Listen();
  auto const ended = ended_;  // it destroys this
  ended(this);
}

bool Connection::Step(int fd, std::uint32_t events) {
  if ((events & EPOLLERR) != 0) return false;
  if (connecting_) {
    if (fd == client_.get()) return false;  // it hung up before the backend answered
    if (!Connected(fd)) return false;
    connecting_ = false;
  }
  return up_.Move() && down_.Move();
}

void Connection::Listen() {
  ListenTo(client_.get(), up_, down_, client_there_);
  ListenTo(server_.get(), down_, up_, server_there_);
}

// A side that can neither give nor take any more would only report its hang-up
// for ever.
void Connection::ListenTo(int fd, Pump const& from, Pump const& to, bool& there) {
  if (!there) return;
  if (from.ended() && to.done()) {
    there = false;
    loop_.Remove(fd);
    return;
  }
  loop_.Change(fd, (from.wants_input() ? std::uint32_t{EPOLLIN} : 0U) |
                       (to.wants_output() ? std::uint32_t{EPOLLOUT} : 0U));
}

}  // namespace trellis::plugins::gateway
