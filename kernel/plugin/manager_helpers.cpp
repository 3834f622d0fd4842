// Manager: plugins in helper processes: their start, death and next life.
#include "kernel/base/log.hpp"
#include "kernel/plugin/manager.hpp"

#include <algorithm>

namespace trellis::plugin {

namespace {

constexpr std::chrono::seconds kCreateLimit{30};
constexpr std::chrono::seconds kStartLimit{60};
constexpr std::chrono::seconds kRestartPatience{10};
constexpr std::chrono::milliseconds kLook{20};
constexpr std::size_t kMaxDeaths = 5;  // in kDeathWindow; one more and the operator decides
constexpr std::int64_t kDeathWindowNs = 600'000'000'000;

}  // namespace

Result<std::shared_ptr<ProcessChannel>> Manager::OpenHelper(PluginRecord const& plugin) {
  return ProcessChannel::Open({options_.plugin_host, plugin.name, plugin.file}, *loop_, threads_);
}

Result<void> Manager::LoadHelper(PluginRecord& plugin) {
  TRELLIS_TRY(auto helper, OpenHelper(plugin));
  TRELLIS_CHECK(Describe(plugin, helper->description()));
  described_[plugin.name] = std::move(helper);
  return {};
}

void Manager::AttachHelper(PluginRecord& plugin, ProcessChannel& helper) {
  helper.Attach(std::make_unique<DaemonBackend>(plugin, parts_), plugin.manifest.permissions,
                [this, &plugin](std::string const& how) { OnHelperDeath(plugin, how); });
}

void Manager::OnHelperDeath(PluginRecord& plugin, std::string const& how) {
  std::size_t deaths = 0;
  {
    std::lock_guard const lock(stop_mutex_);
    if (stopped_) return;
    auto& times = deaths_[plugin.name];
    times.push_back(MonotonicNs());
    while (times.front() < times.back() - kDeathWindowNs)
      times.pop_front();
    deaths = times.size();
  }
  // One that dies while it is created or started fails there.
  if (plugin.State() != PluginState::kRunning) return;
  if (deaths > kMaxDeaths) {
    plugin.Set(
        PluginState::kFailed,
        fmt::format("its process died {} times in 10 minutes, the last time by {}", deaths, how));
    log::Error("plugin given up", {{"plugin", plugin.name}, {"reason", how}});
    return;
  }
  plugin.Set(PluginState::kRestarting, how);
  auto const& delays = options_.restart_delays;
  auto const delay = delays[std::min(deaths, delays.size()) - 1];
  log::Warn("plugin's process died, restarting",
            {{"plugin", plugin.name}, {"how", how}, {"delay_ms", delay.count()}});
  threads_.Post([this, &plugin, delay] {
    if (Rest(delay)) RestartHelper(plugin);
  });
}

bool Manager::Rest(std::chrono::milliseconds time) {
  std::unique_lock lock(stop_mutex_);
  return !stopping_.wait_for(lock, time, [this] { return stopped_; });
}

void Manager::RestartHelper(PluginRecord& plugin) {
  while (true) {
    auto const done = ReplaceHelper(plugin);
    if (done) return;
    log::Warn("plugin's process could not be started again, retrying",
              {{"plugin", plugin.name}, {"error", done.error()}});
    plugin.Set(PluginState::kRestarting, done.error().message);
    if (!Rest(options_.restart_delays.back())) return;
  }
}

Result<void> Manager::ReplaceHelper(PluginRecord& plugin) {
  TRELLIS_TRY(auto const helper, OpenHelper(plugin));
  if (helper->description().version != plugin.version)
    return trellis::Fail(Code::kConflict, "its file has version {} now, not {}",
                         helper->description().version, plugin.version);
  AttachHelper(plugin, *helper);
  registry_.AllowAgain(plugin.name);
  TRELLIS_CHECK(helper->Create(SpecOf(plugin), NewCall(kCreateLimit)));
  TRELLIS_CHECK(helper->Start(NewCall(kStartLimit)));
  plugin.Use(helper);
  {
    std::lock_guard const lock(plugin.mutex);
    ++plugin.restarts;
  }
  plugin.Set(PluginState::kRunning);
  log::Info("plugin runs again", {{"plugin", plugin.name}, {"pid", helper->pid()}});
  Recover(plugin);
  return {};
}

Result<PluginRecord*> Manager::FindIsolated(std::string_view name) const {
  auto* const plugin = directory_.Find(name);
  if (plugin == nullptr) return trellis::Fail(Code::kNotFound, "no plugin '{}'", name);
  if (!plugin->isolated) {
    return trellis::Fail(Code::kUnsupported,
                         "plugin '{}' runs in the daemon: restart the daemon instead", name);
  }
  return plugin;
}

Result<void> Manager::Restart(std::string_view name) {
  TRELLIS_TRY(auto* const plugin, FindIsolated(name));
  auto const state = plugin->State();
  bool const possible = state == PluginState::kRunning || state == PluginState::kFailed;
  if (!possible) return trellis::Fail(Code::kConflict, "plugin '{}' is {}", name, ToText(state));
  plugin->Set(PluginState::kRestarting, "asked for");
  {
    std::lock_guard const lock(stop_mutex_);
    deaths_.erase(plugin->name);
  }
  auto const old = std::dynamic_pointer_cast<ProcessChannel>(plugin->Channel());
  if (state == PluginState::kRunning && old != nullptr) {
    auto const until = MonotonicNs() + std::chrono::nanoseconds(kRestartPatience).count();
    // Nothing tells when the last call has left.
    while (old->calls() > 0 && MonotonicNs() < until && Rest(kLook)) {
    }
    if (auto const stopped = old->Stop(NewCall(kRestartPatience)); !stopped)
      log::Warn("plugin did not stop, ending its process",
                {{"plugin", name}, {"error", stopped.error()}});
  }
  auto const done = ReplaceHelper(*plugin);
  if (!done) plugin->Set(PluginState::kFailed, done.error().message);
  return done;
}

Result<std::vector<std::string>> Manager::LastLines(std::string_view name) const {
  TRELLIS_TRY(auto* const plugin, FindIsolated(name));
  auto const channel = std::dynamic_pointer_cast<ProcessChannel>(plugin->Channel());
  return channel == nullptr ? std::vector<std::string>() : channel->LastLines();
}

void Manager::Recover(PluginRecord const& plugin) {
  {
    std::lock_guard const lock(stop_mutex_);
    if (!recovered_) return;  // it is told with all others
  }
  auto const known = parts_.kernel.Known();
  if (!known) {
    log::Warn("plugin not told about its workloads",
              {{"plugin", plugin.name}, {"error", known.error()}});
    return;
  }
  for (auto const& type : registry_.TypesOf(plugin.name))
    RecoverType(type, *known);
  std::vector<std::string> owners;
  for (auto const& [id, type] : *known)
    owners.push_back(id);
  broker_.Reconcile(owners);
}

}  // namespace trellis::plugin
