// Manager: plugins in helper processes: their start, death and next life.
#include "kernel/base/log.hpp"
#include "kernel/plugin/inline_channel.hpp"
#include "kernel/plugin/manager.hpp"
#include "kernel/plugin/permissions.hpp"
#include "kernel/sys/files.hpp"

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

Result<std::shared_ptr<ProcessChannel>> Manager::OpenHelper(
    PluginRecord& plugin, std::vector<std::string> const& permissions) {
  auto const spec = SpecOf(plugin);
  // The sandbox names them, so they are there before it.
  TRELLIS_CHECK(sys::EnsureDirectory(spec.state_dir, sys::kPrivateDirectory));
  TRELLIS_CHECK(sys::EnsureDirectory(spec.run_dir));
  auto const whole = [](std::string const& path) { return std::filesystem::absolute(path); };
  auto const config = options_.plugins.find(plugin.name);
  auto const limits = config == options_.plugins.end() ? HelperLimits{} : config->second.limits;
  NodeFolders const folders{whole(options_.state_dir), whole(options_.run_dir)};
  TRELLIS_TRY(auto helper,
              ProcessChannel::Open({options_.plugin_host, plugin.name, whole(plugin.code),
                                    WithFolders(permissions, folders), whole(spec.state_dir),
                                    whole(spec.run_dir), limits},
                                   *loop_, threads_));
  plugin.gaps = helper->description().gaps;
  return helper;
}

Result<void> Manager::LoadHelper(PluginRecord& plugin) {
  // What a plugin without manifest asks for stands in its code, so the first look at that is taken
  // without a right.
  TRELLIS_TRY(auto helper, OpenHelper(plugin, plugin.granted));
  TRELLIS_CHECK(Describe(plugin, helper->description()));
  if (!plugin.verified && !plugin.granted.empty()) {
    helper = nullptr;
    TRELLIS_TRY(helper, OpenHelper(plugin, plugin.granted));
  }
  for (auto const& gap : plugin.gaps)
    log::Warn("plugin's process is not confined entirely", {{"plugin", plugin.name}, {"gap", gap}});
  described_[plugin.name] = std::move(helper);
  return {};
}

void Manager::AttachHelper(PluginRecord& plugin, ProcessChannel& helper) {
  helper.Attach(std::make_unique<DaemonBackend>(plugin, parts_),
                [this, &plugin](std::string const& how) { OnHelperDeath(plugin, how); });
}

void Manager::OnHelperDeath(PluginRecord& plugin, std::string const& how) {
  plugin.tail->Add("the process died: " + how);
  if (directory_.Find(plugin.name) != &plugin || Stopping()) return;
  bool on_probation = false;
  {
    std::lock_guard const lock(plugin.mutex);
    // One that dies while it is created, started or exchanged fails there.
    if (plugin.state != PluginState::kRunning || plugin.leaving) return;
    on_probation = plugin.before != nullptr;
    if (!on_probation) {
      plugin.state = PluginState::kRestarting;
      plugin.reason = how;
    } else {
      plugin.leaving = true;
      // Calls wait from now on, they do not fail.
      plugin.gates.effects->Close();
      plugin.gates.calls->Close();
    }
  }
  if (on_probation) {
    threads_.Post([this, &plugin, how] { TakeBack(plugin, how); });
  } else {
    RestartLater(plugin, how);
  }
}

void Manager::RestartLater(PluginRecord& plugin, std::string const& how) {
  std::size_t deaths = 0;
  {
    std::lock_guard const lock(stop_mutex_);
    auto& times = deaths_[plugin.name];
    times.push_back(MonotonicNs());
    while (times.front() < times.back() - kDeathWindowNs)
      times.pop_front();
    deaths = times.size();
  }
  if (deaths > kMaxDeaths) {
    plugin.Set(
        PluginState::kFailed,
        fmt::format("its process died {} times in 10 minutes, the last time by {}", deaths, how));
    log::Error("plugin given up", {{"plugin", plugin.name}, {"reason", how}});
    return;
  }
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

Result<std::shared_ptr<PluginChannel>> Manager::OpenAgain(PluginRecord& plugin) {
  if (!plugin.isolated) {
    TRELLIS_TRY(auto library, Library::Open(plugin.code));
    return std::make_shared<InlineChannel>(
        std::move(library), std::make_unique<DaemonBackend>(plugin, parts_), &threads_, &watch_);
  }
  TRELLIS_TRY(auto helper, OpenOfVersion(plugin));
  AttachHelper(plugin, *helper);
  return helper;
}

Result<std::shared_ptr<ProcessChannel>> Manager::OpenOfVersion(PluginRecord& plugin) {
  TRELLIS_TRY(auto helper, OpenHelper(plugin, plugin.granted));
  if (helper->description().version != plugin.version)
    return trellis::Fail(Code::kConflict, "its file has version {} now, not {}",
                         helper->description().version, plugin.version);
  return helper;
}

Result<void> Manager::Revive(PluginRecord& plugin) {
  TRELLIS_TRY(auto const channel, OpenAgain(plugin));
  registry_.AllowAgain(plugin.name);
  TRELLIS_CHECK(channel->Create(SpecOf(plugin), NewCall(kCreateLimit)));
  TRELLIS_CHECK(channel->Start(NewCall(kStartLimit)));
  plugin.Use(channel);
  std::lock_guard const lock(plugin.mutex);
  ++plugin.restarts;
  return {};
}

Result<void> Manager::BringAgain(PluginRecord& plugin) {
  TRELLIS_TRY(described_[plugin.name], OpenOfVersion(plugin));
  registry_.AllowAgain(plugin.name);
  TRELLIS_CHECK(TakeUp(plugin));
  TRELLIS_CHECK(Create(plugin, StateCare::kNow, kCreateLimit));
  TRELLIS_CHECK(CheckRegistered(plugin));
  return Start(plugin);
}

Result<void> Manager::ReplaceHelper(PluginRecord& plugin) {
  if (plugin.created) {
    TRELLIS_CHECK(Revive(plugin));
  } else if (auto done = BringAgain(plugin); !done) {
    Discard(plugin);
    return done;
  }
  plugin.Set(PluginState::kRunning);
  log::Info("plugin runs again", {{"plugin", plugin.name}});
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
  std::unique_lock const life(life_mutex_, std::try_to_lock);
  if (!life.owns_lock())
    return trellis::Fail(Code::kConflict, "a plugin is being restarted or reloaded already");
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
  auto done = ReplaceHelper(*plugin);
  if (!done) plugin->Set(PluginState::kFailed, done.error().message);
  return done;
}

Result<std::vector<std::string>> Manager::LastLines(std::string_view name) const {
  auto const* const plugin = directory_.Find(name);
  if (plugin == nullptr) return trellis::Fail(Code::kNotFound, "no plugin '{}'", name);
  return plugin->tail->Lines();
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
