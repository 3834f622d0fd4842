#include "plugins/gateway/daemon/forwarder.hpp"

#include <trellis/net.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <charconv>
#include <unordered_map>
#include <vector>

namespace trellis::plugins::gateway {

namespace {

constexpr std::chrono::seconds kConnectLimit{5};
/// Two sockets and two pipes.
constexpr std::size_t kOfAConnection = 6;
/// Control connections, and what a connection that is refused needs for a moment.
constexpr std::size_t kSpareDescriptors = 64;

Result<Place> ReadPlace(std::string const& netns, std::string const& text) {
  auto const bar = text.rfind('|');
  Place place{netns, text.substr(0, bar), 0};
  auto const* const end = text.data() + text.size();
  bool const number = bar != std::string::npos &&
                      std::from_chars(text.data() + bar + 1, end, place.port).ptr == end;
  auto const ip = IpAddress::Parse(place.ip);
  if (!number || place.port == 0 || !ip || ip->empty())
    return Fail(Code::kInvalid, "'{}' is not an address and a port", text);
  return place;
}

Result<UniqueFd> ListenAt(std::uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  int const on = 1;
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
    return FailErrno("make a socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = ::inet_addr(kForwardIp);
  if (::bind(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0)
    return FailErrno("listen at {}:{}", kForwardIp, port);
  return fd;
}

}  // namespace

Result<std::unique_ptr<Forwarder>> Forwarder::Open(Loop& loop, std::size_t descriptors) {
  std::unique_ptr<Forwarder> made(new Forwarder(loop, descriptors));
  auto* const self = made.get();
  TRELLIS_TRY(made->watch_,
              NamespaceWatch::Open(loop, [self](auto const& path) { self->LookAt(path); }));
  return made;
}

Forwarder::~Forwarder() {
  for (auto& [key, listener] : listeners_)
    End(listener);
}

// Open sockets would keep a namespace alive that everybody else has left.
void Forwarder::End(Listener& listener) {
  open_ -= listener.connections.size();
  listener.connections.clear();
  loop_.Remove(listener.fd.get());
  listener.fd = UniqueFd();
}

Result<void> Forwarder::Listen(Key const& key, Listener& listener) {
  TRELLIS_TRY(listener.fd, ListenAt(listener.port));
  return loop_.Add(listener.fd.get(), EPOLLIN, [this, key](std::uint32_t) { Accept(key); });
}

Result<void> Forwarder::Look(Key const& key, Listener& listener, std::uint64_t network) {
  if (network == listener.network && (network == 0 || listener.fd)) return {};
  End(listener);
  listener.network = network;
  return network == 0 ? Result<void>() : Listen(key, listener);
}

void Forwarder::LookAt(std::string const& netns) {
  auto const network = NamespaceAt(netns);
  for (auto& [key, listener] : listeners_) {
    // One that cannot listen is tried again with the next look around.
    if (listener.place.netns == netns) (void)Look(key, listener, network);
  }
}

Result<void> Forwarder::Set(ForwardSet const& wanted) {
  TRELLIS_TRY(auto place, ReadPlace(wanted.netns, wanted.target));
  TRELLIS_TRY(auto const listen, ReadPlace({}, wanted.listen));
  Key const key{wanted.id, wanted.i};
  auto const owner = ports_.find(listen.port);
  if (listen.ip != kForwardIp || (owner != ports_.end() && owner->second != key))
    return Fail(Code::kExists, "'{}' is not free", wanted.listen);
  auto& listener = listeners_[key];
  // With another target only, those that are open go on where they are.
  if (listener.forward.listen != wanted.listen || listener.forward.netns != wanted.netns) {
    End(listener);
    ports_.erase(listener.port);
  }
  listener.forward = wanted;
  listener.place = std::move(place);
  listener.port = listen.port;
  ports_[listen.port] = key;
  watch_->Watch(wanted.netns);
  auto listens = Look(key, listener, NamespaceAt(wanted.netns));
  if (!listens) Delete(key);
  return listens;
}

void Forwarder::Delete(Key const& key) {
  auto const found = listeners_.find(key);
  End(found->second);
  ports_.erase(found->second.port);
  listeners_.erase(found);
}

void Forwarder::Delete(std::string const& id) {
  for (auto next = listeners_.lower_bound({id, 0});
       next != listeners_.end() && next->first.first == id;) {
    auto const key = next->first;
    ++next;
    Delete(key);
  }
}

bool Forwarder::HasRoom() const {
  return (open_ + 1) * kOfAConnection + listeners_.size() + kSpareDescriptors <= descriptors_;
}

void Forwarder::Accept(Key const& key) {
  auto& listener = listeners_.at(key);
  UniqueFd client(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!client || !HasRoom()) return;
  auto const ended = [this, key](Connection* which) {
    auto const found = listeners_.find(key);
    if (found != listeners_.end()) open_ -= found->second.connections.erase(which);
  };
  auto made = Connection::Open(loop_, std::move(client), listener.place, ended);
  if (made) {
    auto* const raw = made->get();
    listener.connections.emplace(raw, *std::move(made));
    ++open_;
    return;
  }
  // It may have gone this moment; a backend that refuses is the proxy's to see.
  (void)Look(key, listener, NamespaceAt(listener.place.netns));
}

void Forwarder::LookAround() {
  auto const late = std::chrono::steady_clock::now() - kConnectLimit;
  std::unordered_map<std::string, std::uint64_t> networks;
  for (auto& [key, listener] : listeners_) {
    open_ -= std::erase_if(listener.connections, [&](auto const& entry) {
      return entry.second->connecting() && entry.second->since() < late;
    });
    auto const [network, unknown] = networks.try_emplace(listener.place.netns, 0);
    if (unknown) network->second = NamespaceAt(listener.place.netns);
    (void)Look(key, listener, network->second);  // tried again
  }
}

ForwardReply Forwarder::Serve(ForwardRequest const& request) {
  ForwardReply reply;
  if (request.set) {
    if (auto const set = Set(*request.set); !set) reply.error = set.error().message;
  }
  if (request.del) Delete(request.del->id);
  if (request.list) {
    for (auto const& [key, listener] : listeners_) {
      if (request.list->id.empty() || request.list->id == key.first)
        reply.forwards.push_back(listener.forward);
    }
  }
  return reply;
}

}  // namespace trellis::plugins::gateway
