// The life of a FakeHost and of the plugins it loads. Not for authors.
#pragma once

#include <trellis/detail/fake_host_plugin.hpp>

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace trellis::testing {

TRELLIS_TESTING_API FakeHost::FakeHost() {
  std::string pattern = (std::filesystem::temp_directory_path() / "trellis-host-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) std::abort();
  dir_ = std::move(pattern);
}

TRELLIS_TESTING_API FakeHost::FakeHost(std::string dir) : dir_(std::move(dir)), stays_(true) {
  ReadStores();
}

TRELLIS_TESTING_API FakeHost::~FakeHost() {
  while (!plugins_.empty()) {
    std::string const name = plugins_.back()->name;
    if (!Unload(name)) break;
  }
  std::error_code ignored;
  if (!stays_) std::filesystem::remove_all(dir_, ignored);
}

TRELLIS_TESTING_API void FakeHost::ReadStores() {
  std::filesystem::create_directories(dir_ + "/store");
  for (auto const& file : std::filesystem::directory_iterator(dir_ + "/store")) {
    if (file.path().extension() != ".json") continue;
    std::ifstream in(file.path());
    std::ostringstream text;
    text << in.rdbuf();
    auto store = json::Parse<std::map<std::string, std::string>>(text.str());
    if (store) stores_[file.path().stem().string()] = *std::move(store);
  }
}

TRELLIS_TESTING_API void FakeHost::SaveStore(std::string const& plugin) {
  if (!stays_) return;
  auto const path = dir_ + "/store/" + plugin;
  std::ofstream(path + ".new") << json::Dump(stores_[plugin]);
  std::filesystem::rename(path + ".new", path + ".json");
}

TRELLIS_TESTING_API Result<void> FakeHost::Load(std::string const& path, std::string_view config) {
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return Fail(Code::kNotFound, "cannot load '{}': {}", path, ::dlerror());
  using Entry = trl_plugin const* (*)();
  auto const entry = reinterpret_cast<Entry>(::dlsym(library, "trellis_plugin_v1"));
  if (entry == nullptr) return Fail(Code::kAbi, "'{}' exports no trellis_plugin_v1", path);
  return Load(*entry(), config);
}

TRELLIS_TESTING_API Result<void> FakeHost::Load(trl_plugin const& plugin, std::string_view config) {
  auto loaded = std::make_unique<LoadedPlugin>();
  loaded->owner = this;
  loaded->name = plugin.name;
  loaded->descriptor = &plugin;
  FakeHostTables::Fill(*loaded);
  std::string const state_dir = dir_ + "/state/" + loaded->name;
  std::string const run_dir = dir_ + "/run/" + loaded->name;
  std::filesystem::create_directories(state_dir);
  std::filesystem::create_directories(run_dir);

  trl_open open{};
  open.size = sizeof open;
  open.config = abi::Bytes(config);
  open.state_dir = abi::Bytes(state_dir);
  open.run_dir = abi::Bytes(run_dir);
  open.node = abi::Bytes(node_);
  abi::StringSink err;
  loaded->creating = true;
  auto const created = plugin.create(&loaded->host, &open, &loaded->self, err.sink());
  TRELLIS_CHECK(abi::Check(created, err.text));
  loaded->creating = false;

  LoadedPlugin& reference = *loaded;
  {
    std::lock_guard const lock(mutex_);
    plugins_.push_back(std::move(loaded));
  }
  trl_call const call = MakeCall({});
  abi::StringSink start_err;
  auto const started = plugin.start(reference.self, &call, start_err.sink());
  if (started >= 0) return {};
  plugin.destroy(reference.self);
  std::lock_guard const lock(mutex_);
  plugins_.pop_back();
  return abi::Check(started, start_err.text);
}

TRELLIS_TESTING_API Result<void> FakeHost::Unload(std::string_view name) {
  LoadedPlugin* found = nullptr;
  {
    std::lock_guard const lock(mutex_);
    for (auto const& plugin : plugins_) {
      if (plugin->name == name) found = plugin.get();
    }
  }
  if (found == nullptr) return Fail(Code::kNotFound, "no plugin '{}' is loaded", name);
  trl_call const call = MakeCall({});
  abi::StringSink err;
  auto const stopped = found->descriptor->stop(found->self, &call, err.sink());
  found->descriptor->destroy(found->self);
  {
    std::lock_guard const lock(mutex_);
    std::erase_if(plugins_, [&](auto const& plugin) { return plugin.get() == found; });
  }
  return abi::Check(stopped, err.text);
}

TRELLIS_TESTING_API Result<std::string> FakeHost::Health(std::string_view plugin) {
  for (auto const& loaded : plugins_) {
    if (loaded->name != plugin || loaded->descriptor->health == nullptr) continue;
    abi::StringSink out;
    abi::StringSink err;
    trl_call const call = MakeCall({});
    auto const status = loaded->descriptor->health(loaded->self, &call, out.sink(), err.sink());
    TRELLIS_CHECK(abi::Check(status, err.text));
    return out.text;
  }
  return Fail(Code::kNotFound, "no plugin '{}' with a health check", plugin);
}

TRELLIS_TESTING_API void FakeHost::FakeService(std::string_view id, Service service) {
  std::lock_guard const lock(mutex_);
  fake_services_.insert_or_assign(std::string(id), std::move(service));
}

TRELLIS_TESTING_API void FakeHost::SetWorkload(WorkloadView workload, bool sharable) {
  std::lock_guard const lock(mutex_);
  std::string const id = workload.id;
  sharable_.insert_or_assign(id, sharable);
  workloads_.insert_or_assign(id, std::move(workload));
}

TRELLIS_TESTING_API void FakeHost::RemoveWorkload(std::string_view id) {
  std::lock_guard const lock(mutex_);
  workloads_.erase(std::string(id));
}

TRELLIS_TESTING_API void FakeHost::SetContract(ContractView contract, bool node_rented) {
  std::lock_guard const lock(mutex_);
  contract_ = std::move(contract);
  node_rented_ = node_rented;
}

TRELLIS_TESTING_API void FakeHost::SetNameOwner(std::string name, Result<std::string> owner) {
  std::lock_guard const lock(mutex_);
  names_.insert_or_assign(std::move(name), std::move(owner));
}

TRELLIS_TESTING_API void FakeHost::RunTasks() {
  std::vector<LoadedPlugin::Task> due;
  {
    std::lock_guard const lock(mutex_);
    for (auto const& plugin : plugins_) {
      for (auto const& [id, task] : plugin->tasks)
        due.push_back(task);
      std::erase_if(plugin->tasks, [](auto const& entry) { return !entry.second.periodic; });
    }
  }
  for (auto const& task : due)
    task.fn(task.self);
}

TRELLIS_TESTING_API void FakeHost::Publish(std::string_view topic, std::string_view payload) {
  std::vector<LoadedPlugin::Subscription> receivers;
  {
    std::lock_guard const lock(mutex_);
    for (auto const& plugin : plugins_) {
      for (auto const& subscription : plugin->subscriptions) {
        if (topic.starts_with(subscription.prefix)) receivers.push_back(subscription);
      }
    }
  }
  for (auto const& receiver : receivers)
    receiver.fn(receiver.self, abi::Bytes(topic), abi::Bytes(payload));
}

TRELLIS_TESTING_API std::vector<LogLine> FakeHost::Logs() {
  std::lock_guard const lock(mutex_);
  return logs_;
}
TRELLIS_TESTING_API std::vector<EngineReport> FakeHost::Reports() {
  std::lock_guard const lock(mutex_);
  return reports_;
}
TRELLIS_TESTING_API std::vector<PublishedEvent> FakeHost::Events() {
  std::lock_guard const lock(mutex_);
  return events_;
}
TRELLIS_TESTING_API std::map<std::string, EnsuredProcess> FakeHost::Processes() {
  std::lock_guard const lock(mutex_);
  return processes_;
}
TRELLIS_TESTING_API std::map<std::string, std::string> FakeHost::Store(std::string_view plugin) {
  std::lock_guard const lock(mutex_);
  return stores_[std::string(plugin)];
}

TRELLIS_TESTING_API std::map<std::string, double> FakeHost::Metrics() {
  std::lock_guard const lock(mutex_);
  std::map<std::string, double> out;
  for (auto const& metric : metrics_)
    out[metric.name] = metric.value;
  return out;
}

}  // namespace trellis::testing
