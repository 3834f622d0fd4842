#include "plugins/gateway/daemon/dns_server.hpp"

#include "plugins/common/posix/socket_address.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <utility>

namespace trellis::plugins::gateway {

namespace {

constexpr std::size_t kMaxPacket = 4096;
constexpr std::size_t kMaxTxt = 255;
constexpr std::size_t kMaxClients = 64;
constexpr std::size_t kLengthBytes = 2;
constexpr std::chrono::seconds kPatience{10};

Result<UniqueFd> Open(std::string const& text, int kind) {
  TRELLIS_TRY(auto const address, ReadSocketAddress(text));
  UniqueFd fd(::socket(address.family(), kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  int const on = 1;
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
    return FailErrno("make a socket");
  if (::bind(fd.get(), address.raw(), address.size) != 0 ||
      (kind == SOCK_STREAM && ::listen(fd.get(), SOMAXCONN) != 0))
    return FailErrno("answer names at {}", text);
  return fd;
}

}  // namespace

void DnsServer::Stop() {
  for (auto const& [fd, client] : clients_)
    loop_.Remove(fd);
  clients_.clear();
  for (auto const& socket : sockets_)
    loop_.Remove(socket.get());
  sockets_.clear();
  addresses_.clear();
  zone_ = {};
}

Result<void> DnsServer::Serve(ServeDns const& wanted) {
  for (auto const& text : wanted.txt) {
    if (text.size() > kMaxTxt) return Fail(Code::kInvalid, "a text is longer than {}", kMaxTxt);
  }
  if (wanted.txt.empty() || wanted.listen != addresses_) Stop();
  if (wanted.txt.empty()) return {};
  zone_ = {wanted.name, wanted.server, wanted.txt};
  if (!addresses_.empty()) return {};
  for (auto const& address : wanted.listen) {
    if (auto const listens = Listen(address); !listens) {
      Stop();
      return listens;
    }
  }
  addresses_ = wanted.listen;
  return {};
}

Result<void> DnsServer::Listen(std::string const& address) {
  TRELLIS_TRY(auto packets, Open(address, SOCK_DGRAM));
  TRELLIS_TRY(auto connections, Open(address, SOCK_STREAM));
  int const packet = packets.get();
  int const connection = connections.get();
  sockets_.push_back(std::move(packets));
  sockets_.push_back(std::move(connections));
  TRELLIS_CHECK(
      loop_.Add(packet, EPOLLIN, [this, packet](std::uint32_t) { AnswerPacket(packet); }));
  return loop_.Add(connection, EPOLLIN, [this, connection](std::uint32_t) { Accept(connection); });
}

void DnsServer::AnswerPacket(int fd) const {
  std::array<char, kMaxPacket> packet{};
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  auto* const raw = reinterpret_cast<sockaddr*>(&from);
  auto const got = ::recvfrom(fd, packet.data(), packet.size(), 0, raw, &size);
  if (got <= 0) return;
  auto const reply = AnswerDns(zone_, {packet.data(), static_cast<std::size_t>(got)});
  // Who does not get it asks again.
  if (!reply.empty()) (void)::sendto(fd, reply.data(), reply.size(), MSG_NOSIGNAL, raw, size);
}

void DnsServer::Accept(int fd) {
  UniqueFd client(::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!client || clients_.size() >= kMaxClients) return;
  int const number = client.get();
  if (!loop_.Add(number, EPOLLIN, [this, number](std::uint32_t) { Read(number); })) return;
  clients_[number].fd = std::move(client);
}

void DnsServer::End(int fd) {
  loop_.Remove(fd);
  clients_.erase(fd);
}

// Each message has its length before it. Replies are short, so one that does not fit the socket's
// buffer is one of a client that does not read.
void DnsServer::Read(int fd) {
  auto& text = clients_.at(fd).text;
  std::array<char, kMaxPacket> chunk{};
  auto const got = ::recv(fd, chunk.data(), chunk.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return End(fd);
  text.append(chunk.data(), static_cast<std::size_t>(got));
  while (text.size() >= kLengthBytes) {
    auto const length = static_cast<std::size_t>(static_cast<unsigned char>(text[0])) << 8U |
                        static_cast<unsigned char>(text[1]);
    if (length > kMaxPacket) return End(fd);
    if (text.size() < kLengthBytes + length) return;
    auto const reply = AnswerDns(zone_, std::string_view(text).substr(kLengthBytes, length));
    text.erase(0, kLengthBytes + length);
    std::string framed{static_cast<char>(reply.size() >> 8U & 0xffU),
                       static_cast<char>(reply.size() & 0xffU)};
    framed += reply;
    auto const sent = ::send(fd, framed.data(), framed.size(), MSG_NOSIGNAL);
    if (reply.empty() || sent != static_cast<ssize_t>(framed.size())) return End(fd);
  }
}

void DnsServer::LookAround() {
  auto const late = std::chrono::steady_clock::now() - kPatience;
  std::vector<int> silent;
  silent.reserve(clients_.size());
  for (auto const& [fd, client] : clients_) {
    if (client.since < late) silent.push_back(fd);
  }
  for (int const fd : silent)
    End(fd);
}

}  // namespace trellis::plugins::gateway
