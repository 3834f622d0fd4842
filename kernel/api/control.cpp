#include "kernel/api/control.hpp"

#include "kernel/base/log.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace trellis::api {
namespace {

constexpr std::size_t kMaxConnections = 64;
constexpr std::size_t kMaxLine = std::size_t{2} << 20;

/// What may stand in one request.
struct Request {
  json::Value id;
  std::string cmd;
  std::optional<std::uint32_t> twin;
  json::Value payload;
};
BOOST_DESCRIBE_STRUCT(Request, (), (id, cmd, twin, payload))

Result<sys::UniqueFd> Listen(std::filesystem::path const& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto const text = path.string();
  if (text.size() >= sizeof address.sun_path)
    return Fail(Code::kInvalid,
                "the path '{}' is too long for a socket: choose a shorter node.run_dir", text);
  std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  sys::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  (void)::unlink(text.c_str());  // the store's lock proves that no other daemon listens here
  mode_t const before = ::umask(0177);
  bool const bound = fd.valid() && ::bind(fd.get(), reinterpret_cast<sockaddr const*>(&address),
                                          sizeof address) == 0;
  ::umask(before);
  if (!bound || ::listen(fd.get(), 16) != 0)
    return Fail(Code::kIo, "cannot listen on '{}': {}", text, std::strerror(errno));
  return fd;
}

bool MayConnect(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

std::string AnswerLine(json::Value const& id, engine::Answer const& answer) {
  auto const number = boost::json::serialize(id);
  if (answer) {
    auto line =
        fmt::format(R"({{"id":{},"result":{}}})", number, answer->empty() ? "null" : *answer);
    // Data is kept as its author wrote it; between JSON tokens a line break is only space.
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    return line;
  }
  boost::json::object const error{{"code", answer.error().code},
                                  {"message", answer.error().message},
                                  {"reason", answer.error().reason}};
  return fmt::format(R"({{"id":{},"error":{}}})", number, boost::json::serialize(error));
}

}  // namespace

/// One client. The descriptor lives as long as anyone may still answer.
struct ControlServer::Connection {
  sys::UniqueFd fd;
  std::mutex mutex;  // guards writes
  std::uint64_t subscription = 0;
  std::atomic<bool> done{false};
  std::jthread thread;

  void Send(std::string line) {
    line += '\n';
    std::lock_guard const lock(mutex);
    std::string_view rest = line;
    while (!rest.empty()) {
      auto const sent = ::send(fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return;  // the reader notices that the client is gone
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
};

ControlServer::ControlServer(Options options, Router& router, engine::EventBus& events,
                             sys::UniqueFd listener, sys::UniqueFd stop)
    : options_(std::move(options)),
      router_(router),
      events_(events),
      listener_(std::move(listener)),
      stop_(std::move(stop)) {}

Result<std::unique_ptr<ControlServer>> ControlServer::Start(Options options, Router& router,
                                                            engine::EventBus& events) {
  TRELLIS_TRY(auto listener, Listen(options.path));
  sys::UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop.valid()) return Fail(Code::kIo, "cannot make an event descriptor");
  std::unique_ptr<ControlServer> server(
      new ControlServer(std::move(options), router, events, std::move(listener), std::move(stop)));
  server->thread_ = std::jthread([self = server.get()] {
    (void)::pthread_setname_np(::pthread_self(), "control");
    self->Accept();
  });
  return server;
}

ControlServer::~ControlServer() {
  std::uint64_t const one = 1;
  if (::write(stop_.get(), &one, sizeof one) < 0) log::Error("cannot stop the control socket", {});
  thread_.join();
  std::list<std::shared_ptr<Connection>> connections;
  {
    std::lock_guard const lock(mutex_);
    connections.swap(connections_);
  }
  for (auto const& connection : connections) {
    ::shutdown(connection->fd.get(), SHUT_RDWR);
    connection->thread.join();
  }
  (void)::unlink(options_.path.c_str());
}

void ControlServer::Accept() {
  std::array<pollfd, 2> entries{pollfd{listener_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
  while (true) {
    if (::poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR) return;
    if ((entries[1].revents & POLLIN) != 0) return;
    sys::UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd.valid()) continue;
    std::lock_guard const lock(mutex_);
    connections_.remove_if([](auto const& connection) { return connection->done.load(); });
    if (!MayConnect(fd.get()) || connections_.size() >= kMaxConnections) continue;
    auto connection = std::make_shared<Connection>();
    connection->fd = std::move(fd);
    connections_.push_back(connection);
    connection->thread = std::jthread([this, raw = connection.get()] {
      (void)::pthread_setname_np(::pthread_self(), "control-c");
      Serve(*raw);
    });
  }
}

void ControlServer::Serve(Connection& connection) {
  std::shared_ptr<Connection> shared;
  {
    std::lock_guard const lock(mutex_);
    for (auto const& candidate : connections_) {
      if (candidate.get() == &connection) shared = candidate;
    }
  }
  std::string buffer;
  std::array<char, 16384> chunk{};
  while (shared != nullptr && buffer.size() < kMaxLine) {
    auto const got = ::recv(connection.fd.get(), chunk.data(), chunk.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    buffer.append(chunk.data(), static_cast<std::size_t>(got));
    std::size_t end = 0;
    while ((end = buffer.find('\n')) != std::string::npos) {
      Handle(shared, std::string_view(buffer).substr(0, end));
      buffer.erase(0, end + 1);
    }
  }
  if (connection.subscription != 0) events_.Unsubscribe(connection.subscription);
  ::shutdown(connection.fd.get(), SHUT_RDWR);
  connection.done = true;
}

void ControlServer::Handle(std::shared_ptr<Connection> const& connection, std::string_view line) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  auto const request = json::Parse<Request>(line);
  if (!request) {
    connection->Send(AnswerLine(
        nullptr,
        Refuse(400, fmt::format("invalid request: {}", request.error().message), "decode")));
    return;
  }
  if (request->cmd == "local.events") return Watch(connection, request->id, request->payload);
  auto payload =
      request->payload.is_null() ? std::string() : boost::json::serialize(request->payload);
  // A deployment sent as text stays as it is, so that its hash is over what the user wrote.
  if (request->payload.is_string()) payload = std::string(request->payload.as_string());
  Caller const caller{request->twin.value_or(options_.default_twin), /*local=*/true};
  router_.Call(caller, request->cmd, std::move(payload),
               [connection, id = request->id](engine::Answer answer) {
                 connection->Send(AnswerLine(id, answer));
               });
}

void ControlServer::Watch(std::shared_ptr<Connection> const& connection, json::Value const& id,
                          json::Value const& payload) {
  std::uint64_t twin = 0;
  std::uint64_t contract = 0;
  if (auto const* filter = payload.if_object(); filter != nullptr) {
    auto const number = [&](char const* key) {
      auto const* value = filter->if_contains(key);
      return value != nullptr && value->is_number() ? value->to_number<std::uint64_t>() : 0;
    };
    twin = number("twin");
    contract = number("contract");
  }
  if (connection->subscription != 0) events_.Unsubscribe(connection->subscription);
  std::weak_ptr<Connection> const weak = connection;
  connection->subscription = events_.Subscribe(
      [weak, twin, contract, number = boost::json::serialize(id)](engine::StateEvent const& event) {
        if ((twin != 0 && event.twin != twin) || (contract != 0 && event.contract != contract))
          return;
        auto const client = weak.lock();
        if (client == nullptr) return;
        boost::json::object const body{{"twin", event.twin},      {"contract", event.contract},
                                       {"name", event.name},      {"type", event.type},
                                       {"state", event.state},    {"message", event.message},
                                       {"version", event.version}};
        client->Send(
            fmt::format(R"({{"id":{},"event":{}}})", number, boost::json::serialize(body)));
      });
  connection->Send(AnswerLine(id, std::string("null")));
}

}  // namespace trellis::api
