// FakeHost's side of the ABI: the tables of functions that plugins call. Not for authors.
#pragma once

#include <trellis/detail/fake_host_plugin.hpp>

#include <algorithm>

namespace trellis::testing {

namespace fake {

inline LoadedPlugin& Of(void* ctx) {
  return *static_cast<LoadedPlugin*>(ctx);
}

inline trl_status Refuse(trl_sink err, trl_status status, std::string_view text) {
  abi::Write(err, text);
  return status;
}

inline std::string Text(trl_bytes bytes) {
  return std::string(abi::View(bytes));
}

}  // namespace fake

struct FakeHostTables::Functions {
  static FakeHost& Host(void* ctx) { return *fake::Of(ctx).owner; }

  // ---- trl_host ----
  static void Log(void* ctx, std::int32_t level, trl_bytes text, trl_bytes fields) noexcept {
    std::lock_guard const lock(Host(ctx).mutex_);
    Host(ctx).logs_.push_back({fake::Of(ctx).name, level, fake::Text(text), fake::Text(fields)});
  }
  static std::int32_t LogThreshold(void*) noexcept { return TRL_LOG_TRACE; }
  static trl_status RegisterType(void* ctx, trl_type_desc const* desc, trl_sink err) noexcept {
    if (!fake::Of(ctx).creating)
      return fake::Refuse(err, TRL_ABI, "types are registered only inside create");
    LoadedPlugin::Type const type{desc->ops, desc->self, desc->rank};
    if (!fake::Of(ctx).types.emplace(fake::Text(desc->name), type).second)
      return fake::Refuse(err, TRL_EXISTS, "type is registered already");
    return TRL_OK;
  }
  static trl_status RegisterService(void* ctx, trl_bytes id, trl_service_fn function, void* self,
                                    trl_sink err) noexcept {
    if (!fake::Of(ctx).creating)
      return fake::Refuse(err, TRL_ABI, "services are registered only inside create");
    LoadedPlugin::ServiceEntry const entry{function, self};
    if (!fake::Of(ctx).services.emplace(fake::Text(id), entry).second)
      return fake::Refuse(err, TRL_EXISTS, "service is registered already");
    return TRL_OK;
  }
  static trl_status CallService(void* ctx, trl_call const* call, trl_bytes id, trl_bytes method,
                                trl_bytes request, trl_fds fds, trl_sink reply,
                                trl_fd_sink reply_fds, trl_sink err) noexcept {
    return Host(ctx).Route(call, id, method, request, fds, reply, reply_fds, err);
  }
  static std::int32_t Cancelled(void* ctx, trl_call const* call) noexcept {
    auto const now = std::chrono::steady_clock::now().time_since_epoch();
    bool const late = std::chrono::nanoseconds(now).count() > call->deadline_ns;
    return late || Host(ctx).cancelled_ ? 1 : 0;
  }
  static std::int32_t CancelFd(void*, trl_call const*) noexcept { return -1; }
  static void Progress(void*, trl_call const*, std::uint32_t, trl_bytes) noexcept {}

  // ---- trellis.deployment/1, trellis.contract/1 ----
  static trl_status Info(void* ctx, trl_call const*, trl_sink out, trl_sink) noexcept {
    std::lock_guard const lock(Host(ctx).mutex_);
    return abi::Write(out, json::Dump(Host(ctx).contract_));
  }
  static trl_status Get(void* ctx, trl_call const*, trl_bytes name, trl_sink out,
                        trl_sink err) noexcept {
    return WriteFirst(ctx, out, err,
                      [&](auto const& workload) { return workload.name == abi::View(name); });
  }
  static trl_status ByType(void* ctx, trl_call const*, trl_bytes const* types, std::size_t count,
                           trl_sink out, trl_sink) noexcept {
    std::vector<WorkloadView> found;
    std::lock_guard const lock(Host(ctx).mutex_);
    for (auto const& [id, workload] : Host(ctx).workloads_) {
      for (std::size_t i = 0; i < count; ++i) {
        if (workload.type == abi::View(types[i])) found.push_back(workload);
      }
    }
    return abi::Write(out, json::Dump(found));
  }
  static trl_status Shared(void* ctx, trl_call const*, trl_bytes type, trl_bytes name, trl_sink out,
                           trl_sink err) noexcept {
    return WriteFirst(ctx, out, err, [&](auto const& workload) {
      return workload.type == abi::View(type) && workload.name == abi::View(name) &&
             Host(ctx).sharable_.at(workload.id);
    });
  }
  static trl_status Current(void* ctx, trl_bytes id, trl_sink out, trl_sink err) noexcept {
    return WriteFirst(ctx, out, err,
                      [&](auto const& workload) { return workload.id == abi::View(id); });
  }
  template <class Predicate>
  static trl_status WriteFirst(void* ctx, trl_sink out, trl_sink err, Predicate&& predicate) {
    std::lock_guard const lock(Host(ctx).mutex_);
    for (auto const& [id, workload] : Host(ctx).workloads_) {
      if (predicate(workload)) return abi::Write(out, json::Dump(workload));
    }
    return fake::Refuse(err, TRL_NOT_FOUND, "no such workload");
  }
  static trl_status Twin(void*, std::uint32_t, trl_sink, trl_sink err) noexcept {
    return fake::Refuse(err, TRL_UNAVAILABLE, "the ledger is away");
  }
  static trl_status NameOwner(void* ctx, trl_bytes name, trl_sink out, trl_sink err) noexcept {
    std::lock_guard const lock(Host(ctx).mutex_);
    auto const found = Host(ctx).names_.find(abi::View(name));
    if (found == Host(ctx).names_.end()) return fake::Refuse(err, TRL_NOT_FOUND, "no such name");
    if (!found->second) return abi::Fail(err, found->second.error());
    return abi::Write(out, *found->second);
  }
  static std::int32_t NodeRented(void* ctx, trl_call const*) noexcept {
    return Host(ctx).node_rented_ ? 1 : 0;
  }

  // ---- trellis.command/1, trellis.provider/1, trellis.event/1 ----
  static trl_status AddCommand(void* ctx, trl_command const* command, trl_sink) noexcept {
    LoadedPlugin::CommandEntry const entry{command->fn, command->self};
    fake::Of(ctx).commands.insert_or_assign(fake::Text(command->name), entry);
    for (std::size_t i = 0; i < command->alias_count; ++i)
      fake::Of(ctx).commands.insert_or_assign(fake::Text(command->aliases[i]), entry);
    return TRL_OK;
  }
  static trl_status AddProvider(void* ctx, trl_bytes kind, trl_bytes name, trl_bytes,
                                trl_provider_fn function, void* self, trl_sink) noexcept {
    fake::Of(ctx).providers.push_back({fake::Text(kind), fake::Text(name), function, self});
    return TRL_OK;
  }
  static trl_status PublishEvent(void* ctx, trl_bytes topic, trl_bytes payload) noexcept {
    {
      std::lock_guard const lock(Host(ctx).mutex_);
      Host(ctx).events_.push_back({fake::Text(topic), fake::Text(payload)});
    }
    Host(ctx).Publish(abi::View(topic), abi::View(payload));
    return TRL_OK;
  }
  static trl_status Subscribe(void* ctx, trl_bytes prefix, trl_event_fn function, void* self,
                              trl_sink) noexcept {
    std::lock_guard const lock(Host(ctx).mutex_);
    fake::Of(ctx).subscriptions.push_back({fake::Text(prefix), function, self});
    return TRL_OK;
  }
  static std::uint64_t Define(void* ctx, std::int32_t kind, trl_bytes name, trl_bytes,
                              trl_bytes) noexcept {
    std::lock_guard const lock(Host(ctx).mutex_);
    auto& metrics = Host(ctx).metrics_;
    auto const key = fake::Of(ctx).name + "/" + fake::Text(name);
    auto const known = std::ranges::find(metrics, key, [](auto const& each) { return each.name; });
    auto const at = static_cast<std::uint64_t>(known - metrics.begin());
    if (known == metrics.end()) metrics.push_back({key, kind, 0});
    return at + 1;
  }
  static void Record(void* ctx, std::uint64_t id, double value) noexcept {
    std::lock_guard const lock(Host(ctx).mutex_);
    auto& metric = Host(ctx).metrics_.at(id - 1);
    bool const gauge = metric.kind == 1;
    metric.value = gauge ? value : metric.value + value;
  }

  // ---- trellis.store/1 ----
  static trl_status StoreGet(void* ctx, trl_bytes key, trl_sink out, trl_sink err) noexcept {
    std::lock_guard const lock(Host(ctx).mutex_);
    auto const& store = Host(ctx).stores_[fake::Of(ctx).name];
    auto const found = store.find(fake::Text(key));
    if (found == store.end()) return fake::Refuse(err, TRL_NOT_FOUND, "no such key");
    return abi::Write(out, found->second);
  }
  static trl_status StorePut(void* ctx, trl_bytes key, trl_bytes value, trl_sink err) noexcept {
    if (key.size > 255) return fake::Refuse(err, TRL_INVALID, "key is too long");
    std::lock_guard const lock(Host(ctx).mutex_);
    Host(ctx).stores_[fake::Of(ctx).name].insert_or_assign(fake::Text(key), fake::Text(value));
    Host(ctx).SaveStore(fake::Of(ctx).name);
    return TRL_OK;
  }
  static trl_status StoreRemove(void* ctx, trl_bytes key, trl_sink) noexcept {
    std::lock_guard const lock(Host(ctx).mutex_);
    Host(ctx).stores_[fake::Of(ctx).name].erase(fake::Text(key));
    Host(ctx).SaveStore(fake::Of(ctx).name);
    return TRL_OK;
  }
  static trl_status StoreList(void* ctx, trl_bytes prefix, trl_sink out, trl_sink) noexcept {
    std::vector<std::string> keys;
    std::lock_guard const lock(Host(ctx).mutex_);
    for (auto const& [key, value] : Host(ctx).stores_[fake::Of(ctx).name]) {
      if (key.starts_with(abi::View(prefix))) keys.push_back(key);
    }
    return abi::Write(out, json::Dump(keys));
  }

  // ---- trellis.schedule/1, trellis.process/1, trellis.engine/1 ----
  static std::uint64_t After(void* ctx, std::uint64_t, std::uint64_t period, trl_task_fn function,
                             void* self) noexcept {
    std::lock_guard const lock(Host(ctx).mutex_);
    auto const id = fake::Of(ctx).next_task++;
    fake::Of(ctx).tasks.emplace(id, LoadedPlugin::Task{function, self, period != 0});
    return id;
  }
  static void CancelTask(void* ctx, std::uint64_t task) noexcept {
    std::lock_guard const lock(Host(ctx).mutex_);
    fake::Of(ctx).tasks.erase(task);
  }
  static trl_status Ensure(void* ctx, trl_call const*, trl_bytes name, trl_bytes spec, trl_fds,
                           trl_sink out, trl_sink err) noexcept {
    auto const key = fake::Of(ctx).name + "/" + fake::Text(name);
    auto const parsed = json::Parse<ProcessSpec>(abi::View(spec));
    if (!parsed) return abi::Fail(err, parsed.error());
    bool changed = false;
    {
      std::lock_guard const lock(Host(ctx).mutex_);
      auto& process = Host(ctx).processes_[key];
      changed = process.pid == 0 || process.spec != abi::View(spec);
      process.spec = fake::Text(spec);
      process.ensured++;
      if (changed) process.pid = Host(ctx).next_pid_++;
    }
    if ((changed || Host(ctx).on_list) && Host(ctx).on_ensure) {
      auto const pid = Host(ctx).on_ensure(key, *parsed);
      std::lock_guard const lock(Host(ctx).mutex_);
      if (!pid) {
        Host(ctx).processes_.erase(key);
        return abi::Fail(err, pid.error());
      }
      Host(ctx).processes_[key].pid = *pid;
    }
    std::lock_guard const lock(Host(ctx).mutex_);
    ProcessStarted const started{Host(ctx).processes_[key].pid, 1, changed};
    return abi::Write(out, json::Dump(started));
  }
  static trl_status StopProcess(void* ctx, trl_call const*, trl_bytes name, trl_sink) noexcept {
    auto const key = fake::Of(ctx).name + "/" + fake::Text(name);
    bool known = false;
    {
      std::lock_guard const lock(Host(ctx).mutex_);
      known = Host(ctx).processes_.erase(key) != 0;
    }
    if ((known || Host(ctx).on_list) && Host(ctx).on_stop) Host(ctx).on_stop(key);
    return TRL_OK;
  }
  static trl_status ListProcesses(void* ctx, trl_bytes prefix, trl_sink out, trl_sink) noexcept {
    if (Host(ctx).on_list) {
      auto const listed = Host(ctx).on_list(fake::Of(ctx).name, abi::View(prefix));
      return abi::Write(out, json::Dump(listed));
    }
    std::vector<ProcessInfo> found;
    auto const own = fake::Of(ctx).name + "/";
    std::lock_guard const lock(Host(ctx).mutex_);
    for (auto const& [key, process] : Host(ctx).processes_) {
      if (!key.starts_with(own + fake::Text(prefix))) continue;
      found.push_back({key.substr(own.size()), process.pid, "running", 0, 1, 0});
    }
    return abi::Write(out, json::Dump(found));
  }
  static trl_status ReportFail(void* ctx, trl_bytes id, trl_bytes reason, trl_sink) noexcept {
    std::lock_guard const lock(Host(ctx).mutex_);
    Host(ctx).reports_.push_back({fake::Text(id), -1, fake::Text(reason)});
    return TRL_OK;
  }
  static trl_status ReportObserved(void* ctx, trl_bytes id, std::int32_t state, trl_bytes detail,
                                   trl_sink) noexcept {
    std::lock_guard const lock(Host(ctx).mutex_);
    Host(ctx).reports_.push_back({fake::Text(id), state, fake::Text(detail)});
    return TRL_OK;
  }

  static void const* Extension(void*, char const* id) noexcept {
    static constexpr trl_ext_deployment kDeployment{
        sizeof(trl_ext_deployment), 0, Info, Get, ByType, Shared, Current};
    static constexpr trl_ext_contract kContract{
        sizeof(trl_ext_contract), 0, Info, Twin, NameOwner, NodeRented};
    static constexpr trl_ext_command kCommand{sizeof(trl_ext_command), 0, AddCommand};
    static constexpr trl_ext_provider kProvider{sizeof(trl_ext_provider), 0, AddProvider};
    static constexpr trl_ext_event kEvent{sizeof(trl_ext_event), 0, PublishEvent, Subscribe};
    static constexpr trl_ext_metric kMetric{sizeof(trl_ext_metric), 0, Define, Record};
    static constexpr trl_ext_store kStore{sizeof(trl_ext_store), 0,        StoreGet, StorePut,
                                          StoreRemove,           StoreList};
    static constexpr trl_ext_schedule kSchedule{sizeof(trl_ext_schedule), 0, After, CancelTask};
    static constexpr trl_ext_process kProcess{sizeof(trl_ext_process), 0, Ensure, StopProcess,
                                              ListProcesses};
    static constexpr trl_ext_engine kEngine{sizeof(trl_ext_engine), 0, ReportFail, ReportObserved};
    std::pair<std::string_view, void const*> const tables[] = {
        {TRL_EXT_DEPLOYMENT, &kDeployment}, {TRL_EXT_CONTRACT, &kContract},
        {TRL_EXT_COMMAND, &kCommand},       {TRL_EXT_PROVIDER, &kProvider},
        {TRL_EXT_EVENT, &kEvent},           {TRL_EXT_METRIC, &kMetric},
        {TRL_EXT_STORE, &kStore},           {TRL_EXT_SCHEDULE, &kSchedule},
        {TRL_EXT_PROCESS, &kProcess},       {TRL_EXT_ENGINE, &kEngine}};
    auto const* const found = std::ranges::find(tables, std::string_view(id),
                                                [](auto const& entry) { return entry.first; });
    return found == std::end(tables) ? nullptr : found->second;
  }
};

TRELLIS_TESTING_API void FakeHostTables::Fill(LoadedPlugin& plugin) {
  plugin.host = trl_host{.size = sizeof(trl_host),
                         .abi_major = TRL_ABI_MAJOR,
                         .abi_minor = TRL_ABI_MINOR,
                         .ctx = &plugin,
                         .log = Functions::Log,
                         .log_level = Functions::LogThreshold,
                         .register_type = Functions::RegisterType,
                         .register_service = Functions::RegisterService,
                         .call_service = Functions::CallService,
                         .cancelled = Functions::Cancelled,
                         .cancel_fd = Functions::CancelFd,
                         .progress = Functions::Progress,
                         .extension = Functions::Extension};
}

}  // namespace trellis::testing
