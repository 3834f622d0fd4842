#include "plugins/gateway/haproxy/proxy.hpp"

#include "plugins/common/posix/programs.hpp"
#include "plugins/gateway/haproxy/machine_facts.hpp"
#include "plugins/gateway/haproxy/run_file.hpp"

#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>

namespace trellis::plugins::gateway {

namespace {

constexpr char const* kProcess = "haproxy";
constexpr char const* kListener = "trellis-listen";
constexpr std::size_t kMaxText = std::size_t{1} << 20;
constexpr std::uint32_t kStopSeconds = 2;
/// With this many routes it takes a tenth of a second.
constexpr std::chrono::seconds kStartLimit{10};
constexpr std::chrono::milliseconds kLookEvery{10};
/// A connection has two hops with two descriptors each; splicing needs some more.
constexpr std::uint32_t kDescriptorsAConnection = 5;
constexpr std::uint32_t kOwnDescriptors = 200;

}  // namespace

Proxy::Proxy(Host host, GatewayConfig const& config)
    : host_(host),
      config_(config),
      dir_(host.run_dir() + "/proxy"),
      admin_(File(kAdminSocket)),
      routes_(File(kRoutesMap)),
      servers_(File(kServersMap)),
      acme_(File(kAcmeMap)),
      certificates_(File("cert"), File(kCrtList)) {}

std::string Proxy::File(std::string_view name) const {
  return fmt::format("{}/{}", dir_, name);
}

Result<void> Proxy::Prepare(std::vector<RouteRecord> const& routes, std::string fallback_pem,
                            std::map<std::string, std::string> pem_by_domain) {
  TRELLIS_CHECK(MakeDirs(dir_, 0700));
  TRELLIS_CHECK(MakeDirs(File(kJail), 0755));
  // Whatever the process's file mask: the proxy's user must be able to look into its jail.
  if (::chmod(File(kJail).c_str(), 0755) != 0) return FailErrno("open '{}'", File(kJail));
  LiveMap::Entries names;
  LiveMap::Entries servers;
  passthrough_.clear();
  for (auto const& route : routes) {
    if (route.tls_passthrough) passthrough_.insert(route.fqdn);
    names.emplace(route.fqdn, RouteValue(route));
    servers.merge(ServerEntries(route));
  }
  TRELLIS_CHECK(servers_.Reset(std::move(servers)));
  TRELLIS_CHECK(routes_.Reset(std::move(names)));
  TRELLIS_CHECK(acme_.Reset({}));
  return certificates_.Reset(std::move(fallback_pem), std::move(pem_by_domain));
}

Result<ProcessSpec> Proxy::Spec(std::string const& netns) {
  TRELLIS_TRY(auto const program, FindProgram(config_.haproxy));
  TRELLIS_TRY(auto const descriptors, DescriptorLimit(host_.isolated()));
  auto const most = descriptors <= 2 * kOwnDescriptors
                        ? 1
                        : (descriptors - kOwnDescriptors) / kDescriptorsAConnection;
  settings_.dir = dir_;
  settings_.threads = config_.threads != 0 ? config_.threads : ProxyThreads();
  settings_.connections =
      config_.max_connections != 0 ? std::min(config_.max_connections, most) : most;
  settings_.per_route = config_.max_conn_per_route;
  settings_.ipv6 = HasIpv6();
  ProcessSpec spec;
  spec.argv = {config_.listener.empty() ? OwnProgram(kListener) : config_.listener};
  std::ranges::move(ListenAddresses(settings_.ipv6), std::back_inserter(spec.argv));
  for (auto const& word :
       {std::string("--"), program, std::string("-db"), std::string("-f"), File(kConfigFile)})
    spec.argv.push_back(word);
  // A changed configuration is a changed process; how many hops there are is changed in one that
  // runs.
  auto const text = ConfigText(settings_, Hops::kTwo);
  spec.env = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"},
              {"TRELLIS_CONFIG", std::to_string(std::hash<std::string>{}(text))}};
  spec.cwd = dir_;
  spec.netns = netns;
  spec.nofile = descriptors;
  spec.stop_timeout_s = kStopSeconds;
  return spec;
}

Result<std::size_t> Proxy::RepairFixedFiles() const {
  std::size_t repaired = 0;
  for (auto const& [name, wanted] : {std::pair{kConfigFile, ConfigText(settings_, WantedHops())},
                                     std::pair{kBadGateway, BadGatewayText()}}) {
    auto const found = ReadFile(File(name), kMaxText);
    if (found && *found == wanted) continue;
    ++repaired;
    TRELLIS_CHECK(ReplaceRunFile(File(name), wanted));
  }
  return repaired;
}

Result<void> Proxy::WaitUntilItListens(Call& call) const {
  auto const until = std::chrono::steady_clock::now() +
                     std::min<std::chrono::milliseconds>(kStartLimit, call.Remaining());
  while (!admin_.Answers()) {
    TRELLIS_CHECK(call.Checkpoint());
    if (std::chrono::steady_clock::now() >= until)
      return Fail(Code::kUnavailable, "the proxy does not listen, its log is gateway/{}.log",
                  kProcess);
    // There is no event for it: the socket appears when the process has read its files.
    pollfd cancelled{call.cancel_fd(), POLLIN, 0};
    (void)::poll(&cancelled, 1, static_cast<int>(kLookEvery.count()));
  }
  return {};
}

Result<void> Proxy::Ensure(Call& call, std::string const& netns) {
  TRELLIS_TRY(auto const spec, Spec(netns));
  TRELLIS_CHECK(RepairFixedFiles());
  TRELLIS_TRY(auto const started, host_.EnsureProcess(call, kProcess, spec));
  if (started.changed) seen_restarts_ = 0;
  if (!started.changed && running_) return {};
  TRELLIS_CHECK(WaitUntilItListens(call));
  running_ = true;
  return {};
}

Result<void> Proxy::Stop(Call& call) {
  TRELLIS_CHECK(host_.StopProcess(call, kProcess));
  running_ = false;
  seen_restarts_ = 0;
  return {};
}

Result<void> Proxy::Save() {
  TRELLIS_CHECK(servers_.Save());
  return routes_.Save();
}

Result<std::string> Proxy::Tell(std::string_view what, char const* frontend) const {
  return admin_.Run(fmt::format("{} frontend {}", what, frontend));
}

// The new one first: nothing that connects meanwhile is refused. One that was started with both
// hops stays with them, since it has no other frontend.
Result<void> Proxy::Switch() {
  TRELLIS_CHECK(RepairFixedFiles());
  if (WantedHops() == Hops::kTwo) {
    TRELLIS_CHECK(Tell("enable", kTwoHops));
    TRELLIS_CHECK(Tell("disable", kOneHop));
    return {};
  }
  TRELLIS_TRY(auto const reply, Tell("enable", kOneHop));
  bool const listens = reply.size() <= 1 || reply.find("already enabled") != std::string::npos;
  TRELLIS_CHECK(Tell(listens ? "disable" : "enable", kTwoHops));
  return {};
}

// What ought to listen, whatever somebody told the process.
Result<std::size_t> Proxy::RepairFrontends() {
  std::size_t repaired = 0;
  for (auto const* const frontend : {kPlainFrontend, kSecondHop}) {
    TRELLIS_TRY(auto const reply, Tell("enable", frontend));
    repaired += reply.find("already enabled") == std::string::npos ? 1 : 0;
  }
  TRELLIS_CHECK(Switch());
  return repaired;
}

// Servers before names: a name that is found always leads somewhere.
Result<void> Proxy::SetRoute(RouteRecord const& route) {
  bool was_last = false;
  if (route.tls_passthrough) {
    passthrough_.insert(route.fqdn);
    TRELLIS_CHECK(Switch());
  } else {
    was_last = StopsPassing(route.fqdn);
  }
  std::vector<std::string> commands;
  auto const wanted = ServerEntries(route);
  for (auto const& [key, server] : wanted)
    servers_.Change(key, server, commands);
  routes_.Change(route.fqdn, RouteValue(route), commands);
  TRELLIS_CHECK(Save());
  TRELLIS_CHECK(admin_.RunAll(commands));
  return was_last ? Switch() : Result<void>();
}

Result<void> Proxy::RemoveRoute(RouteRecord const& route) {
  std::vector<std::string> commands;
  routes_.Change(route.fqdn, std::nullopt, commands);
  for (auto const& [key, server] : ServerEntries(route))
    servers_.Change(key, std::nullopt, commands);
  TRELLIS_CHECK(Save());
  bool const was_last = StopsPassing(route.fqdn);
  if (!running_) return {};
  TRELLIS_CHECK(admin_.RunAll(commands));
  return was_last ? Switch() : Result<void>();
}

Result<std::string> Proxy::Difference(RouteRecord const& route) const {
  auto const differs = [&](std::string_view map, std::string const& key,
                           std::string const& value) -> Result<bool> {
    TRELLIS_TRY(auto const reply, admin_.Run(fmt::format("get map {} {}", File(map), key)));
    return reply.find(fmt::format("value=\"{}\"", value)) == std::string::npos;
  };
  TRELLIS_TRY(bool const name, differs(kRoutesMap, route.fqdn, RouteValue(route)));
  if (name) return fmt::format("the proxy does not route '{}' as it should", route.fqdn);
  for (auto const& [key, server] : ServerEntries(route)) {
    TRELLIS_TRY(bool const wrong, differs(kServersMap, key, server));
    if (wrong) return fmt::format("the proxy does not know server '{}'", key);
  }
  return std::string();
}

Result<void> Proxy::SetChallenge(std::string const& token, std::string const& answer) {
  std::vector<std::string> commands;
  acme_.Change(token, answer.empty() ? std::nullopt : std::optional(answer), commands);
  TRELLIS_CHECK(acme_.Save());
  return admin_.RunAll(commands);
}

Result<std::size_t> Proxy::CountRestarts() {
  TRELLIS_TRY(auto const processes, host_.ListProcesses(kProcess));
  for (auto const& process : processes) {
    if (process.name != kProcess) continue;
    auto const more = process.restarts - std::min(process.restarts, seen_restarts_);
    seen_restarts_ = process.restarts;
    return more;
  }
  return 0;
}

Result<std::size_t> Proxy::RepairEntries() {
  std::size_t repaired = 0;
  for (auto* const map : {&servers_, &routes_, &acme_}) {
    TRELLIS_TRY(bool const damaged, map->RepairFile());
    TRELLIS_TRY(auto const commands, map->Differences(admin_));
    TRELLIS_CHECK(admin_.RunAll(commands));
    repaired += commands.size() + (damaged ? 1 : 0);
  }
  TRELLIS_TRY(auto const certificates, certificates_.Repair(admin_));
  TRELLIS_TRY(auto const frontends, RepairFrontends());
  return repaired + certificates + frontends;
}

// The supervisor brings back what died; what hangs, or has lost its socket, must be stopped first.
Result<void> Proxy::Revive(Call& call, std::string const& netns, Repairs& repairs) {
  auto const answer = admin_.Run("show version");
  if (answer) return Ensure(call, netns);
  running_ = false;
  if (answer.error().code != Code::kTimeout && Ensure(call, netns)) return {};
  TRELLIS_CHECK(Stop(call));
  ++repairs.restarts;
  return Ensure(call, netns);
}

Result<Repairs> Proxy::Repair(Call& call, std::string const& netns) {
  Repairs repairs;
  TRELLIS_TRY(repairs.restarts, CountRestarts());
  TRELLIS_TRY(repairs.entries, RepairFixedFiles());
  // Before the process: one that died over a damaged file must find it whole.
  for (auto* const map : {&servers_, &routes_, &acme_}) {
    TRELLIS_TRY(bool const damaged, map->RepairFile());
    repairs.entries += damaged ? 1 : 0;
  }
  TRELLIS_TRY(auto const files, certificates_.RepairFiles());
  repairs.entries += files;
  TRELLIS_CHECK(Revive(call, netns, repairs));
  TRELLIS_TRY(auto const entries, RepairEntries());
  repairs.entries += entries;
  return repairs;
}

Result<void> Proxy::ClearCounters(std::string const& id) {
  TRELLIS_CHECK(admin_.Run("clear table st_routes key " + id));
  return {};
}

}  // namespace trellis::plugins::gateway
