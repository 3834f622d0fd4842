// Manager: life of the plugins.
#include "kernel/plugin/manager.hpp"

#include "kernel/base/log.hpp"
#include "kernel/plugin/library.hpp"
#include "kernel/plugin/permissions.hpp"
#include "kernel/sys/files.hpp"

#include <trellis/json.hpp>

#include <algorithm>
#include <filesystem>
#include <set>

namespace trellis::plugin {

namespace {

constexpr std::chrono::seconds kStopLimit{10};
constexpr std::chrono::seconds kHealthLimit{5};

}  // namespace

Manager::Manager(ManagerOptions options, KernelServices& kernel)
    : options_(std::move(options)),
      broker_(directory_, registry_),
      supervisor_(MakeSupervisor()),
      parts_{
          broker_, metrics_, kernel, supervisor_.get(),
          [this](std::string_view topic, std::string_view payload) { Publish(topic, payload); }} {}

std::unique_ptr<Supervisor> Manager::MakeSupervisor() {
  if (options_.keeper.empty()) return nullptr;
  return std::make_unique<Supervisor>(
      SupervisorOptions{options_.keeper, options_.run_dir, options_.state_dir},
      [this](std::string const& plugin, std::string_view topic, std::string const& payload) {
        if (auto const* owner = Running(plugin)) owner->Deliver(topic, payload);
      });
}

Result<std::unique_ptr<Manager>> Manager::Open(ManagerOptions options, KernelServices& kernel) {
  std::unique_ptr<Manager> manager(new Manager(std::move(options), kernel));
  TRELLIS_TRY(manager->loop_, HelperLoop::Open());
  if (auto const& trust = manager->options_.trust; trust.has_value()) {
    manager->trust_ = std::make_unique<Trust>(
        TrustOptions{manager->options_.plugins_dir, trust->dir,
                     manager->options_.state_dir + "/plugins/.store", trust->dev});
  }
  TRELLIS_CHECK(manager->Discover());
  manager->Resolve();
  manager->Bring();
  if (manager->supervisor_ != nullptr) {
    if (auto const done = manager->supervisor_->Attach(); !done)
      log::Warn("keeper not reached, trying again when needed", {{"error", done.error()}});
  }
  return manager;
}

Manager::~Manager() {
  Stop();
  for (auto const* plugin : directory_.All()) {
    auto const helper = std::dynamic_pointer_cast<ProcessChannel>(plugin->Channel());
    if (helper != nullptr) helper->Unwatch();  // a death may just be told, and looks at the plugin
  }
  supervisor_.reset();  // its thread delivers events to the plugins
}

// ---- start ----

Result<void> Manager::Discover() {
  std::error_code failed;
  std::set<std::string> files;
  for (auto const& entry : std::filesystem::directory_iterator(options_.plugins_dir, failed)) {
    if (!NameOfFile(entry.path()).empty()) files.insert(entry.path().string());
  }
  if (failed)
    return trellis::Fail(Code::kIo, "plugin directory '{}': {}", options_.plugins_dir,
                         failed.message());
  for (auto const& file : files)
    Load(file);
  if (trust_ != nullptr) trust_->RemoveOldCopies();
  return {};
}

void Manager::Load(std::string const& file) {
  auto& plugin = directory_.Add(NameOfFile(file));
  plugin.file = file;
  auto const config = options_.plugins.find(plugin.name);
  if (config != options_.plugins.end() && !config->second.enabled) {
    plugin.Set(PluginState::kDisabled);
    return;
  }
  auto loaded = Outfit(plugin);
  if (loaded) loaded = LoadCode(plugin);
  if (!loaded) Fail(plugin, PluginState::kRefused, loaded.error());
}

Result<void> Manager::Outfit(PluginRecord& plugin) {
  plugin.isolated = HostingOf(plugin.name) == Hosting::kProcess;
  plugin.registry = MainRegistry();
  TRELLIS_TRY(plugin.gates.effects, Gate::Make());
  TRELLIS_TRY(plugin.gates.calls, Gate::Make());
  return {};
}

Result<void> Manager::LoadCode(PluginRecord& plugin) {
  TRELLIS_CHECK(Verify(plugin));
  return plugin.isolated ? LoadHelper(plugin) : LoadInline(plugin);
}

Hosting Manager::HostingOf(std::string const& name) const {
  auto const config = options_.plugins.find(name);
  if (config != options_.plugins.end() && config->second.hosting.has_value())
    return *config->second.hosting;
  return options_.hosting;
}

Result<void> Manager::LoadInline(PluginRecord& plugin) {
  TRELLIS_TRY(auto library, Library::Open(plugin.code));
  TRELLIS_CHECK(Describe(plugin, DescriptionOf(library->descriptor())));
  libraries_[plugin.name] = std::move(library);
  return {};
}

Result<void> Manager::Grant(PluginRecord& plugin, std::vector<std::string> const& asked) const {
  if (auto const rights = HelperRights::Of(asked); !rights)
    return trellis::Fail(Code::kInvalid, "plugin '{}' asks for too much: {}", plugin.name,
                         rights.error().message);
  auto const config = options_.plugins.find(plugin.name);
  auto const allowed = config == options_.plugins.end() ? std::nullopt : config->second.permissions;
  if (auto const rights = HelperRights::Of(allowed.value_or(asked)); !rights)
    return trellis::Fail(Code::kInvalid, "the configuration of plugin '{}' is wrong: {}",
                         plugin.name, rights.error().message);
  plugin.granted = Granted(asked, allowed);
  return {};
}

void Manager::Fail(PluginRecord& plugin, PluginState state, Error const& error) {
  log::Error("plugin not running",
             {{"plugin", plugin.name}, {"state", ToText(state)}, {"reason", error.message}});
  plugin.Set(state, error.message);
  registry_.Withdraw(plugin.name);
  // Nobody calls it any more: its process is not kept for nothing.
  libraries_.erase(plugin.name);
  described_.erase(plugin.name);
  Discard(plugin);
  BringStateBack(plugin);
}

OpenSpec Manager::SpecOf(PluginRecord const& plugin) const {
  OpenSpec spec;
  spec.state_dir = options_.state_dir + "/plugins/" + plugin.name;
  spec.run_dir = options_.run_dir + "/plugins/" + plugin.name;
  spec.node = options_.node_json;
  spec.config = plugin.config;
  if (options_.trust.has_value() && options_.trust->dev) spec.flags |= TRL_OPEN_DEV;
  return spec;
}

std::shared_ptr<Registry> Manager::MainRegistry() {
  return {std::shared_ptr<void>(), &registry_};  // owns nothing: it lives as long as this
}

// ---- stop ----

void Manager::Stop() {
  {
    std::lock_guard const lock(stop_mutex_);
    if (std::exchange(stopped_, true)) return;
    stopping_.notify_all();
    for (auto const& call : starting_) {
      if (auto const cancel = call.lock()) cancel->Cancel();
    }
  }
  // An exchange sees that the daemon stops, and ends.
  std::unique_lock const life(life_mutex_, options_.drain_timeout);
  std::chrono::nanoseconds const limit = options_.drain_timeout;
  auto const until = MonotonicNs() + limit.count();
  for (auto name = order_.rbegin(); name != order_.rend(); ++name) {
    auto& plugin = *directory_.Find(*name);
    auto const state = plugin.State();
    auto const channel = plugin.Channel();
    if (channel == nullptr) continue;
    bool const ran = state == PluginState::kRunning;
    if (ran) plugin.Set(PluginState::kStopped);
    auto call = NewCall(kStopLimit);
    call.deadline_ns = std::min(call.deadline_ns, until);
    call.grace = std::chrono::nanoseconds(0);
    if (!ran) continue;
    if (auto const done = channel->Stop(call); !done)
      log::Warn("plugin did not stop", {{"plugin", *name}, {"error", done.error()}});
  }
  // A call that was given up shares its channel: then the plugin's object stays.
  for (auto name = order_.rbegin(); name != order_.rend(); ++name) {
    auto const channel = directory_.Find(*name)->Channel();
    constexpr auto kOursAndTheRecords = 2;
    if (channel != nullptr && channel.use_count() <= kOursAndTheRecords) channel->Destroy();
  }
}

// ---- what is there ----

CallInfo Manager::NewCall(std::chrono::milliseconds limit) const {
  CallInfo call;
  call.id = directory_.NextCall();
  std::chrono::nanoseconds const time = limit;
  call.deadline_ns = MonotonicNs() + time.count();
  call.cancel = CancelToken::Make();
  return call;
}

CallInfo Manager::StartCall(std::chrono::milliseconds limit) {
  auto call = ShortCall(limit);
  std::lock_guard const lock(stop_mutex_);
  std::erase_if(starting_, [](auto const& other) { return other.expired(); });
  starting_.push_back(call.cancel);
  if (stopped_) call.cancel->Cancel();
  return call;
}

CallInfo Manager::ShortCall(std::chrono::milliseconds limit) const {
  auto call = NewCall(limit);
  call.grace = std::chrono::nanoseconds(0);
  return call;
}

PluginRecord* Manager::Running(std::string_view plugin) const {
  auto* const found = directory_.Find(plugin);
  return found != nullptr && found->State() == PluginState::kRunning ? found : nullptr;
}

std::vector<std::pair<std::string, std::string>> Manager::Health() {
  std::vector<std::pair<std::string, std::string>> reports;
  for (auto* plugin : directory_.All()) {
    auto const channel = plugin->Channel();
    if (plugin->State() != PluginState::kRunning || channel == nullptr) continue;
    auto const report = channel->Health(NewCall(kHealthLimit));
    reports.emplace_back(
        plugin->name,
        report ? *report
               : fmt::format(R"({{"checks":[{{"name":"health","ok":false,"message":{}}}]}})",
                             json::Dump(report.error().message)));
  }
  return reports;
}

std::vector<PluginStatus> Manager::Status() const {
  auto const services = registry_.Services();
  std::vector<PluginStatus> list;
  for (auto const* plugin : directory_.All()) {
    PluginStatus status;
    status.name = plugin->name;
    status.version = plugin->version;
    status.file = plugin->file;
    status.hosting = plugin->isolated ? "process" : "inline";
    status.types = registry_.TypesOf(plugin->name);
    status.permissions = plugin->granted;
    status.not_granted = Missing(plugin->manifest.permissions, plugin->granted);
    status.warnings = plugin->gaps;
    status.key = plugin->key_id;
    status.dev = plugin->dev;
    for (auto const& [id, owner] : services) {
      if (owner == plugin->name) status.services.push_back(id);
    }
    if (auto const helper = std::dynamic_pointer_cast<ProcessChannel>(plugin->Channel())) {
      status.pid = helper->pid();
      status.calls = helper->calls();
      auto const usage = UsageOf(helper->pid());
      status.memory_bytes = usage.memory_bytes;
      status.tasks = usage.tasks;
      status.descriptors = DescriptorsOf(helper->pid());
      if (auto text = DescriptorWarning(status.descriptors); !text.empty())
        status.warnings.push_back(std::move(text));
    }
    std::lock_guard const lock(plugin->mutex);
    status.restarts = plugin->restarts;
    status.state = ToText(plugin->state);
    status.reason = plugin->reason;
    if (!plugin->note.empty()) status.warnings.push_back(plugin->note);
    list.push_back(std::move(status));
  }
  return list;
}

}  // namespace trellis::plugin
