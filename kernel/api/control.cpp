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
constexpr std::size_t kMaxSubscriptions = 16;
constexpr std::size_t kMaxAnswer = std::size_t{32} << 20U;

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

engine::Answer Bounded(engine::Answer answer) {
  if (!answer || answer->size() <= kMaxAnswer) return answer;
  return Refuse(413, fmt::format("the answer has {} bytes, more than the {} that it may have",
                                 answer->size(), kMaxAnswer));
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

/// A number in the payload, 0 when there is none.
std::uint64_t Number(json::Value const& payload, char const* key) {
  auto const* object = payload.if_object();
  auto const* value = object == nullptr ? nullptr : object->if_contains(key);
  if (value == nullptr) return 0;
  return json::Parse<std::uint64_t>(boost::json::serialize(*value)).value_or(0);
}

bool Follows(json::Value const& payload) {
  auto const* object = payload.if_object();
  auto const* follow = object == nullptr ? nullptr : object->if_contains("follow");
  return follow != nullptr && follow->is_bool() && follow->as_bool();
}

/// The path that an answer tells, or "".
std::string PathIn(engine::Answer const& answer) {
  auto const value = answer ? json::ParseValue(*answer) : json::ParseValue("null");
  auto const* path = value && value->is_object() ? value->as_object().if_contains("path") : nullptr;
  return path != nullptr && path->is_string() ? std::string(path->as_string()) : std::string();
}

}  // namespace

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
  for (auto& client : clients_)
    client.connection->Close();
  clients_.clear();
  (void)::unlink(options_.path.c_str());
}

void ControlServer::Accept() {
  std::array<pollfd, 2> entries{pollfd{listener_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
  while (true) {
    if (::poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR) return;
    if ((entries[1].revents & POLLIN) != 0) return;
    sys::UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd.valid()) continue;
    clients_.remove_if([](auto const& client) { return client.connection->done(); });
    if (!MayConnect(fd.get()) || clients_.size() >= kMaxConnections) continue;
    auto connection = ControlConnection::Make(std::move(fd));
    if (!connection) continue;
    clients_.push_back({*connection, std::jthread([this, shared = *connection] {
                          (void)::pthread_setname_np(::pthread_self(), "control-c");
                          Serve(shared);
                        })});
  }
}

void ControlServer::Serve(Shared const& connection) {
  std::vector<std::uint64_t> subscriptions;
  connection->Serve([&](std::string_view line) { Handle(connection, line, subscriptions); });
  for (auto const subscription : subscriptions)
    events_.Unsubscribe(subscription);
}

void ControlServer::Handle(Shared const& connection, std::string_view line,
                           std::vector<std::uint64_t>& subscriptions) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  auto const request = json::Parse<Request>(line);
  if (!request) {
    return connection->Send(AnswerLine(
        nullptr,
        Refuse(400, fmt::format("invalid request: {}", request.error().message), "decode")));
  }
  if (request->cmd == "local.events") {
    if (subscriptions.size() < kMaxSubscriptions) {
      subscriptions.push_back(Watch(connection, request->id, request->payload));
    } else {
      connection->Send(AnswerLine(request->id, Refuse(429, "too many streams")));
    }
    return;
  }
  auto payload =
      request->payload.is_null() ? std::string() : boost::json::serialize(request->payload);
  // A deployment sent as text stays as it is, so that its hash is over what the user wrote.
  if (request->payload.is_string()) payload = std::string(request->payload.as_string());
  bool const follow = request->cmd == "local.logs" && Follows(request->payload);
  Caller const caller{request->twin.value_or(options_.default_twin), /*local=*/true};
  router_.Call(
      caller, request->cmd, std::move(payload),
      [connection, id = request->id, follow](engine::Answer answer) {
        auto const path = follow ? PathIn(answer) : std::string();
        connection->Send(AnswerLine(id, Bounded(std::move(answer))));
        if (path.empty()) return;
        auto const number = boost::json::serialize(id);
        if (auto const started = connection->Follow(number, path); !started)
          connection->Send(AnswerLine(id, ToAnswer(tl::unexpected<Error>(started.error()))));
      });
}

std::uint64_t ControlServer::Watch(Shared const& connection, json::Value const& id,
                                   json::Value const& payload) {
  auto const twin = Number(payload, "twin");
  auto const contract = Number(payload, "contract");
  std::weak_ptr<ControlConnection> const weak = connection;
  connection->Send(AnswerLine(id, std::string("null")));
  return events_.Subscribe([weak, twin, contract,
                            number = boost::json::serialize(id)](engine::StateEvent const& event) {
    if ((twin != 0 && event.twin != twin) || (contract != 0 && event.contract != contract)) return;
    auto const client = weak.lock();
    if (client == nullptr) return;
    boost::json::object const body{{"twin", event.twin},      {"contract", event.contract},
                                   {"name", event.name},      {"type", event.type},
                                   {"state", event.state},    {"message", event.message},
                                   {"version", event.version}};
    client->Send(fmt::format(R"({{"id":{},"event":{}}})", number, boost::json::serialize(body)));
  });
}

}  // namespace trellis::api
