// Manager: plugins come up in order. One whose create does not come back holds up only itself and
// those that need it.
#include "kernel/base/log.hpp"
#include "kernel/plugin/inline_channel.hpp"
#include "kernel/plugin/manager.hpp"
#include "kernel/plugin/order.hpp"
#include "kernel/sys/files.hpp"

#include <algorithm>

namespace trellis::plugin {

namespace {

constexpr std::chrono::seconds kStartLimit{60};
constexpr auto kStillCreated = "its create has not returned yet";

bool Offers(PluginRecord const& plugin, std::string_view service) {
  auto const& provides = plugin.manifest.services.provides;
  return std::find(provides.begin(), provides.end(), service) != provides.end();
}

}  // namespace

void Manager::Resolve() {
  std::map<std::string, Manifest> manifests;
  for (auto const* plugin : directory_.All()) {
    if (plugin->State() == PluginState::kLoaded) manifests[plugin->name] = plugin->manifest;
  }
  for (auto const& command : options_.kernel_commands)
    registry_.Claim(Registry::Kind::kCommand, command, std::string(kKernel));
  for (auto const& [name, manifest] : manifests) {
    for (auto const& type : manifest.types)
      registry_.Claim(Registry::Kind::kType, type.name, name);
    for (auto const& id : manifest.services.provides)
      registry_.Claim(Registry::Kind::kService, id, name);
    for (auto const& command : manifest.commands)
      registry_.Claim(Registry::Kind::kCommand, command, name);
  }
  auto const order = OrderPlugins(manifests);
  order_ = order.names;
  for (auto const& [name, reason] : order.blocked)
    Fail(*directory_.Find(name), PluginState::kBlocked, {Code::kUnavailable, reason});
}

void Manager::Bring() {
  std::vector<std::pair<PluginRecord*, Created>> late;
  std::vector<PluginRecord*> created;
  for (auto const& name : order_) {
    auto& plugin = *directory_.Find(name);
    if (plugin.State() != PluginState::kLoaded || Held(plugin)) continue;
    auto const done = Begin(plugin);
    if (done.wait_for(options_.create_patience) != std::future_status::ready) {
      log::Warn("plugin's create takes long, going on without it", {{"plugin", name}});
      plugin.Set(PluginState::kStarting, kStillCreated);
      late.emplace_back(&plugin, done);
    } else if (auto const& made = done.get(); !made) {
      Fail(plugin, PluginState::kFailed, made.error());
    } else {
      plugin.Set(PluginState::kCreated);
      created.push_back(&plugin);
    }
  }
  for (auto* const plugin : created) {
    if (auto const agreed = CheckRegistered(*plugin); !agreed)
      Fail(*plugin, PluginState::kRefused, agreed.error());
  }
  for (auto* const plugin : created)
    StartCreated(*plugin);
  for (auto const& [plugin, done] : late)
    ArriveLater(*plugin, done);
}

void Manager::StartCreated(PluginRecord& plugin) {
  if (!options_.start || plugin.State() != PluginState::kCreated) return;
  if (auto missing = MissingRequirement(plugin); !missing.empty()) {
    Fail(plugin, PluginState::kBlocked, {Code::kUnavailable, "needs " + missing});
  } else if (auto const done = Start(plugin); !done) {
    Fail(plugin, PluginState::kFailed, done.error());
  }
}

bool Manager::Held(PluginRecord& plugin) {
  std::string waits;
  for (auto const& id : plugin.manifest.services.requires_) {
    auto const* const owner = directory_.Find(registry_.ServiceOwner(id));
    auto const state = owner == nullptr ? PluginState::kLoaded : owner->State();
    if (state == PluginState::kCreated || state == PluginState::kRunning ||
        state == PluginState::kRestarting)
      continue;
    auto const all = directory_.All();
    auto const coming = std::find_if(all.begin(), all.end(), [&](auto const* other) {
      return other->State() == PluginState::kStarting && Offers(*other, id);
    });
    if (coming == all.end()) {
      Fail(plugin, PluginState::kBlocked, {Code::kUnavailable, "needs " + id});
      return true;
    }
    waits = fmt::format("waits for {} of plugin '{}'", id, (*coming)->name);
  }
  if (!waits.empty()) plugin.Set(PluginState::kStarting, waits);
  return !waits.empty();
}

Manager::Created Manager::Begin(PluginRecord& plugin) {
  auto const promise = std::make_shared<std::promise<Result<void>>>();
  Created created = promise->get_future().share();
  if (auto taken = TakeUp(plugin); !taken) {
    promise->set_value(std::move(taken));
    return created;
  }
  auto const care = options_.start ? StateCare::kNow : StateCare::kLater;
  threads_.Post([this, &plugin, promise, care] {
    promise->set_value(Create(plugin, care, options_.reload.create));
  });
  return created;
}

void Manager::ArriveLater(PluginRecord& plugin, Created const& created) {
  threads_.Post([this, &plugin, created] { Arrive(plugin, created); });
}

void Manager::Arrive(PluginRecord& plugin, Created const& created) {
  auto done = created.get();
  std::lock_guard const life(life_mutex_);
  if (Stopping()) return;
  if (!done) {
    Fail(plugin, PluginState::kFailed, done.error());
  } else if (auto const agreed = CheckRegistered(plugin); !agreed) {
    Fail(plugin, PluginState::kRefused, agreed.error());
  } else {
    plugin.Set(PluginState::kCreated);
    StartCreated(plugin);
    if (plugin.State() == PluginState::kRunning) Recover(plugin);
  }
  BringWaiting();
}

void Manager::BringWaiting() {
  for (auto const& name : order_) {
    auto& plugin = *directory_.Find(name);
    bool const waits = plugin.State() == PluginState::kStarting && plugin.Channel() == nullptr;
    if (!waits || Held(plugin)) continue;
    plugin.Set(PluginState::kStarting, kStillCreated);
    ArriveLater(plugin, Begin(plugin));
  }
}

std::string Manager::MissingRequirement(PluginRecord const& plugin) const {
  for (auto const& id : plugin.manifest.services.requires_) {
    auto const* owner = directory_.Find(registry_.ServiceOwner(id));
    if (owner == nullptr) return id;
    auto const state = owner->State();
    if (state != PluginState::kCreated && state != PluginState::kRunning) return id;
  }
  return {};
}

std::shared_ptr<PluginChannel> Manager::TakeChannel(PluginRecord& plugin) {
  if (!plugin.isolated)
    return std::make_shared<InlineChannel>(std::move(libraries_[plugin.name]),
                                           std::make_unique<DaemonBackend>(plugin, parts_),
                                           &threads_, &watch_);
  auto helper = std::move(described_[plugin.name]);
  AttachHelper(plugin, *helper);
  return helper;
}

Result<void> Manager::TakeUp(PluginRecord& plugin) {
  auto const spec = SpecOf(plugin);
  TRELLIS_CHECK(sys::EnsureDirectory(spec.state_dir, sys::kPrivateDirectory));
  TRELLIS_CHECK(sys::EnsureDirectory(spec.run_dir));
  TRELLIS_TRY(plugin.effects, Slots::Make(1));
  TRELLIS_TRY(plugin.services, Slots::Make(1));
  plugin.Use(TakeChannel(plugin));
  return {};
}

Result<void> Manager::Create(PluginRecord& plugin, StateCare care,
                             std::chrono::milliseconds limit) {
  auto const channel = plugin.Channel();
  TRELLIS_TRY(plugin.config, ConfigFor(plugin, *channel));
  if (care == StateCare::kNow) TRELLIS_CHECK(PrepareState(plugin, *channel));
  TRELLIS_CHECK(channel->Create(SpecOf(plugin), StartCall(limit)));
  plugin.created = true;
  return {};
}

Result<void> Manager::Start(PluginRecord& plugin) {
  TRELLIS_CHECK(plugin.Channel()->Start(StartCall(kStartLimit)));
  ForgetKept(plugin);
  plugin.Set(PluginState::kRunning);
  log::Info("plugin started", {{"plugin", plugin.name},
                               {"version", plugin.version},
                               {"hosting", plugin.isolated ? "process" : "inline"}});
  return {};
}

}  // namespace trellis::plugin
