// Manager: the moment in which another version of a plugin takes over, and the way back.
#include "kernel/base/log.hpp"
#include "kernel/plugin/exchange.hpp"

#include <trellis/json.hpp>

#include <algorithm>
#include <set>

namespace trellis::plugin {

namespace {

constexpr std::chrono::seconds kStopLimit{10};
constexpr std::chrono::seconds kRecoveredLimit{60};
constexpr std::chrono::milliseconds kLookIfStopping{100};

struct Check {
  std::string name;
  bool ok = false;
  std::string message;
};
BOOST_DESCRIBE_STRUCT(Check, (), (name, ok, message))
struct Checks {
  std::vector<Check> checks;
};
BOOST_DESCRIBE_STRUCT(Checks, (), (checks))

std::int64_t After(std::chrono::nanoseconds time) {
  return MonotonicNs() + time.count();
}

}  // namespace

bool Manager::Stopping() {
  std::lock_guard const lock(stop_mutex_);
  return stopped_;
}

Result<void> Manager::Switch(Exchange& exchange) {
  auto& next = exchange.next;
  exchange.step = "drain";
  TRELLIS_CHECK(ShutOut(exchange));
  if (exchange.ran) {
    EndProbation(exchange.old);
    auto health = exchange.old.Channel()->Health(ShortCall(options_.reload.health));
    if (health) exchange.health = *std::move(health);
    exchange.step = "stop";
    StopOld(exchange);
  }
  exchange.step = "state";
  TRELLIS_CHECK(exchange.ran ? MigrateState(next, *next.Channel())
                             : PrepareState(next, *next.Channel()));
  exchange.step = "start";
  {
    std::lock_guard const lock(exchange.old.mutex);
    exchange.old.successor = next.Channel();
  }
  TRELLIS_CHECK(next.Channel()->Start(ShortCall(options_.reload.start)));
  exchange.step = "recover";
  TRELLIS_CHECK(Tell(next, *next.registry));
  exchange.step = "health";
  TRELLIS_CHECK(CheckHealth(exchange));
  exchange.step = "switch";
  if (next.state_kept) TRELLIS_CHECK(StateOf(next).Decide());
  return {};
}

Result<void> Manager::ShutOut(Exchange& exchange) {
  if (!exchange.ran) return {};
  auto const until = After(options_.reload.drain);
  auto const& gates = exchange.old.gates;
  for (auto const& gate : {gates.effects, gates.calls}) {
    exchange.closed.emplace_back(gate);
    while (!gate->WaitEmpty(std::min(until, After(kLookIfStopping)))) {
      if (Stopping()) return trellis::Fail(Code::kCancelled, "the daemon is stopping");
      if (MonotonicNs() >= until)
        return trellis::Fail(Code::kBusy, "calls that run did not end within {} s",
                             options_.reload.drain.count() / 1000);
    }
  }
  return {};
}

void Manager::StopOld(Exchange& exchange) {
  auto const& old = exchange.old;
  auto const channel = old.Channel();
  if (auto const done = channel->Stop(NewCall(kStopLimit)); !done)
    log::Warn("plugin did not stop, ending it",
              {{"plugin", old.name}, {"version", old.version}, {"error", done.error()}});
  exchange.stopped = true;
  if (auto* const helper = dynamic_cast<ProcessChannel*>(channel.get())) helper->End();
}

Result<void> Manager::Tell(PluginRecord const& plugin, Registry const& registered) {
  {
    std::lock_guard const lock(stop_mutex_);
    if (!recovered_) return {};  // it is told with all others
  }
  auto const channel = plugin.Channel();
  TRELLIS_TRY(auto const known, parts_.kernel.Known());
  std::vector<std::string> owners;
  std::map<std::string, std::vector<std::string>> ids;
  for (auto const& [id, type] : known) {
    owners.push_back(id);
    ids[type].push_back(id);
  }
  auto const now = registered.Of(plugin.name);
  for (auto const& type : now.types)
    TRELLIS_CHECK(channel->Recovered(ShortCall(kRecoveredLimit), type, ids[type]));
  auto const body = fmt::format(R"({{"owners":{}}})", json::Dump(owners));
  for (auto const& id : now.services) {
    auto const done = channel->Service(ShortCall(kRecoveredLimit), id, "reconcile", body, {});
    if (!done && done.error().code != Code::kUnsupported)
      return trellis::Fail(done.error().code, "reconcile of service '{}': {}", id,
                           done.error().message);
  }
  return {};
}

Result<void> Manager::CheckHealth(Exchange const& exchange) {
  TRELLIS_TRY(auto const text, exchange.next.Channel()->Health(ShortCall(options_.reload.health)));
  TRELLIS_TRY(auto const now, json::Parse<Checks>(text));
  auto const before = json::Parse<Checks>(exchange.health);
  std::set<std::string> bad;  // as before: not the new version's doing
  for (auto const& check : before ? before->checks : std::vector<Check>()) {
    if (!check.ok) bad.insert(check.name);
  }
  for (auto const& check : now.checks) {
    if (!check.ok && !bad.contains(check.name))
      return trellis::Fail(Code::kUnavailable, "{}: {}", check.name, check.message);
  }
  return {};
}

void Manager::Settle(Exchange& exchange) {
  auto& old = exchange.old;
  auto& next = exchange.next;
  old.registry = registry_.Snapshot(old.name);
  registry_.Adopt(next.name, *next.registry);
  next.registry = MainRegistry();
  order_ = std::move(exchange.order);
  {
    std::lock_guard const lock(stop_mutex_);
    deaths_.erase(next.name);
  }
  {
    std::lock_guard const lock(next.mutex);
    next.before = exchange.ran ? &old : nullptr;
    next.state = PluginState::kRunning;
  }
  directory_.Show(next);
  old.Stay();
  old.Set(PluginState::kStopped);
  Discard(old);
  exchange.closed.clear();
  CheckAlive(next);
  threads_.Post([this, &next] {
    if (!Rest(options_.reload.probation)) return;
    std::lock_guard const life(life_mutex_);
    EndProbation(next);
  });
}

void Manager::CheckAlive(PluginRecord& plugin) {
  auto const helper = std::dynamic_pointer_cast<ProcessChannel>(plugin.Channel());
  if (helper != nullptr && helper->dead())
    OnHelperDeath(plugin, "it ended while versions were exchanged");
}

void Manager::EndProbation(PluginRecord& plugin) {
  {
    std::lock_guard const lock(plugin.mutex);
    plugin.before = nullptr;
  }
  ForgetKept(plugin);
}

void Manager::Discard(PluginRecord& plugin) {
  auto const channel = plugin.Channel();
  if (channel == nullptr) return;
  if (auto* const helper = dynamic_cast<ProcessChannel*>(channel.get())) {
    helper->End();
  } else {
    // A call that was given up shares its channel: then the plugin's object stays.
    constexpr auto kOursAndTheRecords = 2;
    if (channel.use_count() <= kOursAndTheRecords) channel->Destroy();
  }
  plugin.Use(nullptr);
}

std::string Manager::ReviveOrRetry(PluginRecord& plugin) {
  auto const done = Revive(plugin);
  if (done) {
    if (auto const told = Tell(plugin, registry_); !told)
      log::Warn("plugin not told about its workloads",
                {{"plugin", plugin.name}, {"error", told.error()}});
    plugin.Set(PluginState::kRunning);
    return {};
  }
  plugin.Set(PluginState::kRestarting, done.error().message);
  threads_.Post([this, &plugin] {
    if (Rest(options_.restart_delays.back())) RestartHelper(plugin);
  });
  return fmt::format("version {} could not be started again at once: {}", plugin.version,
                     done.error().message);
}

std::string Manager::GoBack(Exchange& exchange) {
  auto& old = exchange.old;
  described_.erase(old.name);
  libraries_.erase(old.name);
  Discard(exchange.next);
  BringStateBack(exchange.next);
  old.Stay();
  std::string trouble;
  if (exchange.stopped) {
    Discard(old);
    trouble = ReviveOrRetry(old);
  }
  exchange.closed.clear();
  CheckAlive(old);
  return trouble;
}

void Manager::TakeBack(PluginRecord& plugin, std::string const& how) {
  std::unique_lock life(life_mutex_);
  std::vector<Closing> closed;
  closed.push_back(Closing::Adopt(plugin.gates.effects));
  closed.push_back(Closing::Adopt(plugin.gates.calls));
  if (Stopping()) return;
  PluginRecord* old = nullptr;
  {
    std::lock_guard const lock(plugin.mutex);
    old = std::exchange(plugin.before, nullptr);
  }
  if (old == nullptr) {
    auto const helper = std::dynamic_pointer_cast<ProcessChannel>(plugin.Channel());
    // Somebody else exchanged it, or started it again.
    if (directory_.Find(plugin.name) != &plugin || helper == nullptr || !helper->dead()) return;
    plugin.Stay();  // its probation ended in the same moment
    plugin.Set(PluginState::kRestarting, how);
    life.unlock();
    closed.clear();
    RestartHelper(plugin);
    return;
  }
  auto const text = fmt::format(
      "version {} was taken back: its process died soon after it took "
      "over ({})",
      plugin.version, how);
  log::Error("plugin taken back",
             {{"plugin", plugin.name}, {"version", old->version}, {"reason", text}});
  Discard(plugin);
  BringStateBack(plugin);
  registry_.Adopt(old->name, *old->registry);
  old->registry = MainRegistry();
  auto const trouble = ReviveOrRetry(*old);
  plugin.Set(PluginState::kStopped);
  directory_.Show(*old);
  old->Note(trouble.empty() ? text : text + "; " + trouble);
  CheckAlive(*old);
}

}  // namespace trellis::plugin
