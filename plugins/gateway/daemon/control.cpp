#include "plugins/gateway/daemon/control.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>

namespace trellis::plugins::gateway {

namespace {

constexpr std::size_t kMaxLine = std::size_t{64} << 10;
constexpr std::size_t kMaxClients = 16;

/// The plugin waits for its answer, so this waits for the plugin, but not for
/// ever.
bool SendAll(int fd, std::string_view text) {
  constexpr int kPatienceMs = 1000;
  while (!text.empty()) {
    auto const sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    pollfd room{fd, POLLOUT, 0};
    if (errno != EAGAIN || ::poll(&room, 1, kPatienceMs) <= 0) return false;
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<Control>> Control::Open(Loop& loop, Forwarder& forwarder, DnsServer& names,
                                               std::string const& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Fail(Code::kInvalid, "the path '{}' is too long for a socket", path);
  path.copy(address.sun_path, path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return FailErrno("make a socket");
  (void)::unlink(path.c_str());  // of the process before
  ::umask(0177);
  if (::bind(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0)
    return FailErrno("listen at '{}'", path);
  std::unique_ptr<Control> control(new Control(loop, forwarder, names, std::move(fd)));
  auto* const self = control.get();
  TRELLIS_CHECK(loop.Add(self->fd_.get(), EPOLLIN, [self](std::uint32_t) { self->Accept(); }));
  return control;
}

Control::~Control() {
  loop_.Remove(fd_.get());
  for (auto const& [fd, client] : clients_)
    loop_.Remove(fd);
}

void Control::Accept() {
  UniqueFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd || clients_.size() >= kMaxClients) return;
  int const number = fd.get();
  if (!loop_.Add(number, EPOLLIN, [this, number](std::uint32_t) { Read(number); })) return;
  clients_[number].fd = std::move(fd);
}

void Control::Read(int fd) {
  auto& client = clients_.at(fd);
  std::array<char, 4096> chunk{};
  auto const got = ::recv(fd, chunk.data(), chunk.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got > 0) client.text.append(chunk.data(), static_cast<std::size_t>(got));
  if (got > 0 && client.text.size() <= kMaxLine && Answer(client)) return;
  loop_.Remove(fd);
  clients_.erase(fd);
}

ForwardReply Control::Serve(ForwardRequest const& request) {
  if (!request.dns) return forwarder_.Serve(request);
  auto const served = names_.Serve(*request.dns);
  return {served ? std::string() : served.error().message, {}};
}

// False when the client does not take its answers.
bool Control::Answer(Client& client) {
  for (auto end = client.text.find('\n'); end != std::string::npos; end = client.text.find('\n')) {
    auto const request = json::Parse<ForwardRequest>(client.text.substr(0, end));
    client.text.erase(0, end + 1);
    ForwardReply reply;
    reply.error = request ? std::string() : request.error().message;
    if (request) reply = Serve(*request);
    auto const line = json::Dump(reply) + "\n";
    if (!SendAll(client.fd.get(), line)) return false;
  }
  return true;
}

}  // namespace trellis::plugins::gateway
