#include "plugins/gateway/forward/forwards.hpp"

#include "plugins/common/posix/programs.hpp"
#include "plugins/common/posix/unix_client.hpp"
#include "plugins/gateway/haproxy/machine_facts.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>

namespace trellis::plugins::gateway {

namespace {

constexpr char const* kProcess = "nnc";
constexpr char const* kProgram = "trellis-nnc";
/// No route has this id: asked whether the process is there at all.
constexpr char const* kNobody = "-";
constexpr std::chrono::seconds kStartLimit{10};
constexpr std::chrono::milliseconds kLookEvery{10};
/// Ports that somebody else on the node listens at are passed over.
constexpr int kMaxForeignPorts = 1000;
constexpr int kNamePort = 53;

ForwardSet WantedOf(RouteRecord const& route, std::size_t i) {
  ForwardSet set;
  set.id = route.id;
  set.i = static_cast<std::uint32_t>(i);
  set.netns = route.netns;
  set.target = route.backends[i];
  if (i < route.forwards.size()) set.listen = route.forwards[i];
  return set;
}

std::vector<ForwardSet> Wanted(RouteRecord const& route) {
  std::vector<ForwardSet> all;
  for (std::size_t i = 0; i < route.backends.size(); ++i)
    all.push_back(WantedOf(route, i));
  return all;
}

}  // namespace

Forwards::Forwards(Host host, GatewayConfig const& config, Taken taken)
    : host_(host),
      config_(config),
      taken_(std::move(taken)),
      socket_(host.run_dir() + "/nnc.sock") {}

Result<ForwardReply> Forwards::Ask(ForwardRequest const& request) const {
  TRELLIS_TRY(auto const text, AskUnix(socket_, json::Dump(request) + "\n", "\n"));
  TRELLIS_TRY(auto reply, json::Parse<ForwardReply>(text));
  if (!reply.error.empty()) return Fail(Code::kIo, "the forwarder: {}", reply.error);
  return reply;
}

Result<std::vector<ForwardSet>> Forwards::List(std::string const& id) const {
  ForwardRequest look;
  look.list = ForwardList{id};
  TRELLIS_TRY(auto reply, Ask(look));
  return std::move(reply.forwards);
}

Result<void> Forwards::Ensure(Call& call, std::string const& netns) {
  TRELLIS_TRY(auto const descriptors, DescriptorLimit(host_.isolated()));
  ProcessSpec spec;
  spec.argv = {config_.forwarder.empty() ? OwnProgram(kProgram) : config_.forwarder, socket_};
  spec.netns = netns;
  spec.nofile = descriptors;
  TRELLIS_CHECK(host_.EnsureProcess(call, kProcess, spec));
  auto const until = std::chrono::steady_clock::now() +
                     std::min<std::chrono::milliseconds>(kStartLimit, call.Remaining());
  while (!List(kNobody)) {
    TRELLIS_CHECK(call.Checkpoint());
    if (std::chrono::steady_clock::now() >= until)
      return Fail(Code::kUnavailable, "the forwarder does not listen, its log is gateway/{}.log",
                  kProcess);
    // There is no event for it: the socket appears when the process is ready.
    pollfd cancelled{call.cancel_fd(), POLLIN, 0};
    (void)::poll(&cancelled, 1, static_cast<int>(kLookEvery.count()));
  }
  return {};
}

Result<std::vector<std::string>> Forwards::Set(Call& call, RouteRecord const& route,
                                               std::string const& netns) {
  TRELLIS_CHECK(Ensure(call, netns));
  TRELLIS_TRY(auto const held, List(route.id));
  if (held.size() > route.backends.size()) TRELLIS_CHECK(Remove(route.id));
  std::vector<std::string> listen;
  for (auto const& wanted : Wanted(route)) {
    TRELLIS_TRY(auto address, SetOne(wanted, listen));
    listen.push_back(std::move(address));
  }
  return listen;
}

Result<std::string> Forwards::SetOne(ForwardSet wanted, std::vector<std::string> const& others) {
  ForwardRequest request;
  request.set = wanted;
  if (!wanted.listen.empty() && Ask(request)) return std::move(wanted.listen);
  constexpr std::uint32_t kPorts = kLastPort - kFirstPort + 1;
  int foreign = 0;
  for (std::uint32_t tries = 0; tries < kPorts; ++tries) {
    request.set->listen = fmt::format("{}|{}", kForwardIp, next_port_);
    next_port_ = next_port_ == kLastPort ? kFirstPort : next_port_ + 1;
    if (taken_(request.set->listen) ||
        std::ranges::find(others, request.set->listen) != others.end())
      continue;
    auto const set = Ask(request);
    if (set) return std::move(request.set->listen);
    if (set.error().code != Code::kIo || ++foreign > kMaxForeignPorts)
      return tl::unexpected<Error>(set.error());
  }
  return Fail(Code::kExhausted, "the forwarder has no free port");
}

Result<void> Forwards::Remove(std::string const& id) const {
  ForwardRequest request;
  request.del = ForwardDelete{id};
  auto const done = Ask(request);
  if (!done && done.error().code != Code::kUnavailable) return tl::unexpected<Error>(done.error());
  return {};
}

bool Forwards::Holds(RouteRecord const& route) const {
  auto const held = List(route.id);
  return held && *held == Wanted(route);
}

Result<std::set<std::string>> Forwards::Missing(
    std::map<std::string, RouteRecord> const& routes) const {
  TRELLIS_TRY(auto const forwards, List({}));
  std::map<std::string, std::vector<ForwardSet>> by_id;
  for (auto const& forward : forwards)
    by_id[forward.id].push_back(forward);
  for (auto const& [id, known] : by_id) {
    auto const route = routes.find(id);
    if (route == routes.end() || route->second.network.empty()) TRELLIS_CHECK(Remove(id));
  }
  std::set<std::string> missing;
  for (auto const& [id, route] : routes) {
    if (route.network.empty()) continue;
    if (by_id[id] != Wanted(route)) missing.insert(id);
  }
  return missing;
}

Result<void> Forwards::ServeNames(Call& call, std::string const& domain,
                                  std::vector<std::string> const& texts, NodeFacts const& facts) {
  TRELLIS_CHECK(Ensure(call, facts.netns));
  ServeDns serve;
  serve.name = "_acme-challenge." + domain;
  serve.server = domain;
  serve.txt = texts;
  for (auto const& text : {facts.config->ipv4, facts.config->ipv6}) {
    if (auto const own = IpNet::Parse(text); own && !own->empty())
      serve.listen.push_back(fmt::format("[{}]:{}", own->ip.ToString(), kNamePort));
  }
  ForwardRequest request;
  request.dns = std::move(serve);
  TRELLIS_CHECK(Ask(request));
  return {};
}

Result<void> Forwards::StopNames() const {
  ForwardRequest request;
  request.dns = ServeDns{};
  auto const done = Ask(request);
  if (!done && done.error().code != Code::kUnavailable) return tl::unexpected<Error>(done.error());
  return {};
}

Result<void> Forwards::Stop(Call& call) {
  return host_.StopProcess(call, kProcess);
}

}  // namespace trellis::plugins::gateway
