// Manager: another version of a plugin, up to where nothing of the running one was touched.
#include "kernel/base/log.hpp"
#include "kernel/plugin/exchange.hpp"
#include "kernel/plugin/order.hpp"

#include <trellis/json.hpp>

#include <algorithm>
#include <set>

namespace trellis::plugin {

namespace {

constexpr std::size_t kMaxCompared = 256;  // workloads, evenly over all there are
constexpr std::chrono::seconds kExamineLimit{5};

/// What the kernel tells of a workload, as far as it counts here.
struct Stored {
  json::Value data;
};
BOOST_DESCRIBE_STRUCT(Stored, (), (data))

bool Contains(std::vector<std::string> const& list, std::string const& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace

Result<PluginRecord*> Manager::AddPlugin(std::string const& name) {
  auto const file = std::filesystem::path(options_.plugins_dir) / (name + ".trellis.so");
  std::error_code unknown;
  if (!IsPluginName(name) || !std::filesystem::is_regular_file(file, unknown))
    return trellis::Fail(Code::kNotFound, "no plugin '{}'", name);
  auto& plugin = directory_.Add(name);
  plugin.file = file;
  plugin.Set(PluginState::kRefused, "it was not loaded yet");
  auto const config = options_.plugins.find(name);
  if (config != options_.plugins.end() && !config->second.enabled)
    plugin.Set(PluginState::kDisabled);
  TRELLIS_CHECK(Outfit(plugin));
  return &plugin;
}

Result<PluginRecord*> Manager::FindReloadable(std::string_view name) {
  auto* plugin = directory_.Find(name);
  if (plugin == nullptr) {
    TRELLIS_TRY(plugin, AddPlugin(std::string(name)));
  }
  bool const dev = options_.trust.has_value() && options_.trust->dev;
  if (!plugin->isolated && !dev)
    return trellis::Fail(Code::kUnsupported,
                         "plugin '{}' runs in the daemon: restart the daemon instead", name);
  if (trust_ == nullptr || !options_.start)
    return trellis::Fail(Code::kUnsupported, "plugins are not exchanged here");
  auto const state = plugin->State();
  bool const possible = state == PluginState::kRunning || state == PluginState::kFailed ||
                        state == PluginState::kRefused || state == PluginState::kBlocked;
  if (!possible) return trellis::Fail(Code::kConflict, "plugin '{}' is {}", name, ToText(state));
  return plugin;
}

Result<Reloaded> Manager::Reload(std::string_view name) {
  std::unique_lock const life(life_mutex_, std::try_to_lock);
  if (!life.owns_lock())
    return trellis::Fail(Code::kConflict, "a plugin is being restarted or reloaded already");
  TRELLIS_TRY(auto* const old, FindReloadable(name));
  Exchange exchange{*old, directory_.Prepare(*old), old->Leave()};
  if (!exchange.ran && old->State() == PluginState::kRestarting)  // it died just now
    return trellis::Fail(Code::kConflict, "plugin '{}' is restarting", name);
  auto done = PrepareNext(exchange);
  if (done) done = Switch(exchange);
  if (!done) {
    auto& next = exchange.next;
    auto text = fmt::format("plugin '{}' stays {}: {} was not taken, it failed at '{}': {}", name,
                            exchange.ran ? fmt::format("at version {}", old->version)
                                         : std::string(ToText(old->State())),
                            next.version.empty() ? "its new file" : "version " + next.version,
                            exchange.step, done.error().message);
    if (auto const more = GoBack(exchange); !more.empty()) text += "; " + more;
    old->Note(text + " (the next start of the daemon takes its file as it is then)");
    log::Warn("plugin not exchanged", {{"plugin", name}, {"reason", text}});
    return trellis::Fail(done.error().code, "{}", text);
  }
  Settle(exchange);
  log::Info("plugin exchanged", {{"plugin", name},
                                 {"from", exchange.ran ? old->version : ""},
                                 {"to", exchange.next.version}});
  Reloaded reloaded{exchange.ran ? old->version : "", exchange.next.version};
  if (!old->isolated)
    reloaded.warnings.emplace_back("the old code stays in the daemon's memory until it restarts");
  return reloaded;
}

Result<void> Manager::PrepareNext(Exchange& exchange) {
  auto& next = exchange.next;
  exchange.step = "load";
  TRELLIS_CHECK(LoadCode(next));
  next.registry = registry_.Stage(next.name);
  exchange.step = "create";
  TRELLIS_CHECK(CheckStateVersion(next));
  TRELLIS_CHECK(TakeUp(next));
  TRELLIS_CHECK(Create(next, StateCare::kLater, options_.reload.create));
  next.Set(PluginState::kCreated);
  exchange.step = "check";
  TRELLIS_CHECK(CheckRegistered(next));
  TRELLIS_CHECK(CheckTypes(exchange));
  TRELLIS_CHECK(CheckPlace(exchange));
  exchange.step = "workloads";
  return CompareWorkloads(exchange);
}

Result<void> Manager::CheckTypes(Exchange const& exchange) {
  auto const& name = exchange.old.name;
  auto const now = exchange.next.registry->Of(name);
  TRELLIS_TRY(auto const known, parts_.kernel.Known());
  for (auto const& type : registry_.TypesOf(name)) {
    auto const used = std::count_if(known.begin(), known.end(),
                                    [&](auto const& entry) { return entry.second == type; });
    if (used == 0) continue;
    if (!Contains(now.types, type))
      return trellis::Fail(Code::kConflict,
                           "it does not register type '{}', which {} workloads have", type, used);
    if (registry_.Type(type)->sharable != exchange.next.registry->Type(type)->sharable)
      return trellis::Fail(Code::kConflict,
                           "it changes whether type '{}' is shared, and {} workloads have it", type,
                           used);
  }
  for (auto const& id : registry_.Of(name).services) {
    if (Contains(now.services, id)) continue;
    for (auto const* user : directory_.All()) {
      if (user->name != name && user->State() == PluginState::kRunning &&
          user->manifest.MayCall(id))
        return trellis::Fail(Code::kConflict,
                             "it does not offer service '{}', which plugin '{}' uses", id,
                             user->name);
    }
  }
  return {};
}

Result<void> Manager::CheckPlace(Exchange& exchange) {
  auto const& next = exchange.next;
  if (auto const missing = MissingRequirement(next); !missing.empty())
    return trellis::Fail(Code::kUnavailable, "it needs {}", missing);
  std::map<std::string, Manifest> manifests{{next.name, next.manifest}};
  for (auto const* plugin : directory_.All()) {
    auto const state = plugin->State();
    if (state == PluginState::kRunning || state == PluginState::kRestarting)
      manifests.emplace(plugin->name, plugin->manifest);
  }
  auto order = OrderPlugins(manifests);
  for (auto const& [name, reason] : order.blocked) {
    if (name == next.name) return trellis::Fail(Code::kConflict, "{}", reason);
  }
  exchange.order = std::move(order.names);
  return {};
}

Result<void> Manager::CompareWorkloads(Exchange const& exchange) {
  if (!exchange.ran) return {};
  auto const types = registry_.TypesOf(exchange.old.name);
  TRELLIS_TRY(auto known, parts_.kernel.Known());
  std::erase_if(known, [&](auto const& entry) { return !Contains(types, entry.second); });
  auto const every = std::max<std::size_t>(known.size() / kMaxCompared, 1);
  auto const look = [&](PluginRecord const& plugin, std::string const& type,
                        std::string const& data) {
    return plugin.Channel()->Examine(NewCall(kExamineLimit), type, data, /*check_valid=*/false);
  };
  for (std::size_t at = 0; at < known.size(); at += every) {
    auto const& [id, type] = known[at];
    auto const text = parts_.kernel.Current(id);
    auto const stored = text ? json::Parse<Stored>(*text) : Result<Stored>(Stored{});
    if (!text || !stored) continue;  // it went meanwhile
    auto const data = boost::json::serialize(stored->data);
    auto const before = look(exchange.old, type, data);
    auto const after = look(exchange.next, type, data);
    if (before.status < 0) continue;
    if (after.status < 0)
      return trellis::Fail(Code::kConflict, "it does not understand workload '{}': {}", id,
                           after.error);
    if (after.challenge != before.challenge)
      return trellis::Fail(Code::kConflict, "it signs workload '{}' of type '{}' in another way",
                           id, type);
  }
  return {};
}

}  // namespace trellis::plugin
