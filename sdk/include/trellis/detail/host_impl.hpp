// Host's members. Included by host.hpp.
#pragma once

#include <trellis/detail/instance.hpp>
#include <trellis/detail/type_adapter.hpp>

#include <fcntl.h>

namespace trellis {

inline trl_status abi::FdSink::Put(void* ctx, std::int32_t fd) noexcept try {
  int const copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return TRL_IO;
  static_cast<FdSink*>(ctx)->fds.emplace_back(copy);
  return TRL_OK;
} catch (...) {
  return TRL_FAULT;
}

inline std::string const& Host::state_dir() const {
  return instance_->state_dir;
}
inline std::string const& Host::run_dir() const {
  return instance_->run_dir;
}
inline std::string const& Host::node() const {
  return instance_->node;
}
inline bool Host::isolated() const {
  return instance_->isolated;
}
inline trl_host const* Host::raw() const {
  return instance_->host;
}

inline void Host::Log(LogLevel level, std::string_view text, Fields fields) const {
  auto const* host = instance_->host;
  if (static_cast<std::int32_t>(level) < host->log_level(host->ctx)) return;
  boost::json::object object;
  for (auto const& [key, value] : fields)
    object.emplace(key, value);
  auto const json = object.empty() ? std::string() : boost::json::serialize(object);
  host->log(host->ctx, static_cast<std::int32_t>(level), abi::Bytes(text), abi::Bytes(json));
}

template <class Ext>
Ext const* Host::Extension(char const* id) const {
  return static_cast<Ext const*>(instance_->host->extension(instance_->host->ctx, id));
}

namespace detail {

inline tl::unexpected<Error> NoExtension(std::string_view id) {
  return Fail(
      Code::kUnavailable,
      "the host does not offer '{}' to this plugin: is a permission for it declared and granted?",
      id);
}

/// Runs a host function that takes a sink for output and one for the error.
template <class Function>
Result<std::string> Collect(Function&& function) {
  abi::StringSink out;
  abi::StringSink err;
  trl_status const status = function(out.sink(), err.sink());
  TRELLIS_CHECK(abi::Check(status, std::move(err.text)));
  return std::move(out.text);
}

template <class Data, class Prov>
Result<void> AddType(Instance& instance, std::string_view name, Prov& provisioner,
                     TypeOptions const& options, std::uint32_t flags) {
  static_assert(WorkloadData<Data>,
                "the data needs Valid, Challenge, Capacity and BOOST_DESCRIBE_STRUCT");
  static_assert(Provisioner<Prov, Data>,
                "the provisioner needs Provision, Deprovision, Inspect, ListOwned");
  auto& adapter = instance.Keep<TypeAdapter<Data, Prov>>(instance.host, provisioner);
  std::vector<trl_bytes> after;
  for (auto const other : options.after)
    after.push_back(abi::Bytes(other));
  trl_type_desc desc{};
  desc.size = sizeof desc;
  desc.flags = flags;
  desc.rank = options.rank;
  desc.max_parallel = options.max_parallel;
  desc.name = abi::Bytes(name);
  desc.after = after.data();
  desc.after_count = after.size();
  desc.ops = &TypeAdapter<Data, Prov>::kOps;
  desc.self = &adapter;
  abi::StringSink err;
  auto const status = instance.host->register_type(instance.host->ctx, &desc, err.sink());
  return abi::Check(status, std::move(err.text));
}

}  // namespace detail

template <class Data, class Prov>
Result<void> Host::RegisterType(std::string_view name, Prov& provisioner,
                                TypeOptions const& options) const {
  return detail::AddType<Data>(*instance_, name, provisioner, options, 0);
}

template <class Data, class Prov>
Result<void> Host::RegisterSharableType(std::string_view name, Prov& provisioner,
                                        TypeOptions const& options) const {
  return detail::AddType<Data>(*instance_, name, provisioner, options, TRL_TYPE_SHARABLE);
}

inline Result<void> Host::RegisterService(std::string_view id, ServiceHandler handler) const {
  auto& kept = instance_->Keep<detail::ServiceRegistration>(instance_->host, std::move(handler));
  abi::StringSink err;
  auto const status = instance_->host->register_service(
      instance_->host->ctx, abi::Bytes(id), &detail::ServiceRegistration::Run, &kept, err.sink());
  return abi::Check(status, std::move(err.text));
}

inline Result<void> Host::AddCommand(CommandOptions const& options, CommandHandler handler) const {
  auto const* ext = Extension<trl_ext_command>(TRL_EXT_COMMAND);
  if (ext == nullptr) return detail::NoExtension(TRL_EXT_COMMAND);
  auto& kept = instance_->Keep<detail::CommandRegistration>(instance_->host, std::move(handler));
  std::vector<trl_bytes> aliases;
  for (auto const& alias : options.aliases)
    aliases.push_back(abi::Bytes(alias));
  trl_command command{};
  command.size = sizeof command;
  command.flags = options.flags;
  command.auth = options.auth;
  command.max_payload = options.max_payload;
  command.timeout_ms = options.timeout_ms;
  command.max_parallel = options.max_parallel;
  command.name = abi::Bytes(options.name);
  command.aliases = aliases.data();
  command.alias_count = aliases.size();
  command.fn = &detail::CommandRegistration::RunCommand;
  command.self = &kept;
  abi::StringSink err;
  auto const status = ext->add(instance_->host->ctx, &command, err.sink());
  return abi::Check(status, std::move(err.text));
}

inline Result<void> Host::AddProvider(std::string_view kind, std::string_view name,
                                      std::string_view options, CommandHandler handler) const {
  auto const* ext = Extension<trl_ext_provider>(TRL_EXT_PROVIDER);
  if (ext == nullptr) return detail::NoExtension(TRL_EXT_PROVIDER);
  auto& kept = instance_->Keep<detail::CommandRegistration>(instance_->host, std::move(handler));
  abi::StringSink err;
  auto const status =
      ext->add(instance_->host->ctx, abi::Bytes(kind), abi::Bytes(name), abi::Bytes(options),
               &detail::CommandRegistration::RunProvider, &kept, err.sink());
  return abi::Check(status, std::move(err.text));
}

inline Result<ServiceReply> Host::CallService(Call const& call, std::string_view id,
                                              std::string_view method, std::string_view request,
                                              std::span<std::int32_t const> fds) const {
  auto const* host = instance_->host;
  abi::FdSink received;
  TRELLIS_TRY(auto body, detail::Collect([&](trl_sink out, trl_sink err) {
                return host->call_service(host->ctx, call.raw(), abi::Bytes(id), abi::Bytes(method),
                                          abi::Bytes(request), {fds.data(), fds.size()}, out,
                                          received.sink(), err);
              }));
  return ServiceReply{std::move(body), std::move(received.fds)};
}

// A function of extension `Ext` that writes JSON, decoded as `Reply`.
#define TRELLIS_EXTENSION_CALL(Ext, id, Reply, ...)                                           \
  auto const* ext = Extension<Ext>(id);                                                       \
  if (ext == nullptr) return detail::NoExtension(id);                                         \
  void* const ctx = instance_->host->ctx;                                                     \
  TRELLIS_TRY(auto const text,                                                                \
              detail::Collect([&](trl_sink out, trl_sink err) { return ext->__VA_ARGS__; })); \
  return json::Parse<Reply>(text)

inline Result<WorkloadView> Host::GetWorkload(Call const& call, std::string_view name) const {
  TRELLIS_EXTENSION_CALL(trl_ext_deployment, TRL_EXT_DEPLOYMENT, WorkloadView,
                         get(ctx, call.raw(), abi::Bytes(name), out, err));
}
inline Result<std::vector<WorkloadView>> Host::WorkloadsByType(
    Call const& call, std::span<std::string_view const> types) const {
  std::vector<trl_bytes> names;
  for (auto const type : types)
    names.push_back(abi::Bytes(type));
  TRELLIS_EXTENSION_CALL(trl_ext_deployment, TRL_EXT_DEPLOYMENT, std::vector<WorkloadView>,
                         by_type(ctx, call.raw(), names.data(), names.size(), out, err));
}
inline Result<WorkloadView> Host::SharedWorkload(Call const& call, std::string_view type,
                                                 std::string_view name) const {
  TRELLIS_EXTENSION_CALL(trl_ext_deployment, TRL_EXT_DEPLOYMENT, WorkloadView,
                         shared(ctx, call.raw(), abi::Bytes(type), abi::Bytes(name), out, err));
}
inline Result<WorkloadView> Host::CurrentWorkload(std::string_view workload_id) const {
  TRELLIS_EXTENSION_CALL(trl_ext_deployment, TRL_EXT_DEPLOYMENT, WorkloadView,
                         current(ctx, abi::Bytes(workload_id), out, err));
}
inline Result<ContractView> Host::Contract(Call const& call) const {
  TRELLIS_EXTENSION_CALL(trl_ext_contract, TRL_EXT_CONTRACT, ContractView,
                         contract(ctx, call.raw(), out, err));
}
inline Result<std::vector<std::string>> Host::StoreList(std::string_view prefix) const {
  TRELLIS_EXTENSION_CALL(trl_ext_store, TRL_EXT_STORE, std::vector<std::string>,
                         list(ctx, abi::Bytes(prefix), out, err));
}
inline Result<ProcessStarted> Host::EnsureProcess(Call const& call, std::string_view name,
                                                  ProcessSpec const& spec,
                                                  std::span<std::int32_t const> fds) const {
  auto const body = json::Dump(spec);
  TRELLIS_EXTENSION_CALL(trl_ext_process, TRL_EXT_PROCESS, ProcessStarted,
                         ensure(ctx, call.raw(), abi::Bytes(name), abi::Bytes(body),
                                {fds.data(), fds.size()}, out, err));
}
inline Result<std::vector<ProcessInfo>> Host::ListProcesses(std::string_view prefix) const {
  TRELLIS_EXTENSION_CALL(trl_ext_process, TRL_EXT_PROCESS, std::vector<ProcessInfo>,
                         list(ctx, abi::Bytes(prefix), out, err));
}
#undef TRELLIS_EXTENSION_CALL

inline bool Host::NodeRented(Call const& call) const {
  auto const* ext = Extension<trl_ext_contract>(TRL_EXT_CONTRACT);
  return ext != nullptr && ext->node_rented(instance_->host->ctx, call.raw()) == 1;
}

inline Result<std::string> Host::StoreGet(std::string_view key) const {
  auto const* ext = Extension<trl_ext_store>(TRL_EXT_STORE);
  if (ext == nullptr) return detail::NoExtension(TRL_EXT_STORE);
  return detail::Collect([&](trl_sink out, trl_sink err) {
    return ext->get(instance_->host->ctx, abi::Bytes(key), out, err);
  });
}

// A function of extension `Ext` without output.
#define TRELLIS_EXTENSION_DO(Ext, id, ...)            \
  auto const* ext = Extension<Ext>(id);               \
  if (ext == nullptr) return detail::NoExtension(id); \
  void* const ctx = instance_->host->ctx;             \
  abi::StringSink sink;                               \
  auto const err = sink.sink();                       \
  auto const status = ext->__VA_ARGS__;               \
  return abi::Check(status, std::move(sink.text))

inline Result<void> Host::StorePut(std::string_view key, std::string_view value) const {
  TRELLIS_EXTENSION_DO(trl_ext_store, TRL_EXT_STORE,
                       put(ctx, abi::Bytes(key), abi::Bytes(value), err));
}
inline Result<void> Host::StoreRemove(std::string_view key) const {
  TRELLIS_EXTENSION_DO(trl_ext_store, TRL_EXT_STORE, remove(ctx, abi::Bytes(key), err));
}
inline Result<void> Host::StopProcess(Call const& call, std::string_view name) const {
  TRELLIS_EXTENSION_DO(trl_ext_process, TRL_EXT_PROCESS,
                       stop(ctx, call.raw(), abi::Bytes(name), err));
}
inline Result<void> Host::ReportFailed(std::string_view workload_id,
                                       std::string_view reason) const {
  TRELLIS_EXTENSION_DO(trl_ext_engine, TRL_EXT_ENGINE,
                       fail(ctx, abi::Bytes(workload_id), abi::Bytes(reason), err));
}
inline Result<void> Host::ReportObserved(std::string_view workload_id,
                                         Observed const& observed) const {
  TRELLIS_EXTENSION_DO(
      trl_ext_engine, TRL_EXT_ENGINE,
      observed(ctx, abi::Bytes(workload_id), static_cast<std::int32_t>(observed.state),
               abi::Bytes(observed.detail), err));
}
inline Result<void> Host::Subscribe(std::string_view prefix, EventHandler handler) const {
  auto& kept = instance_->Keep<detail::EventRegistration>(instance_, std::move(handler));
  TRELLIS_EXTENSION_DO(
      trl_ext_event, TRL_EXT_EVENT,
      subscribe(ctx, abi::Bytes(prefix), &detail::EventRegistration::Run, &kept, err));
}
#undef TRELLIS_EXTENSION_DO

inline Result<void> Host::Publish(std::string_view topic, std::string_view payload) const {
  auto const* ext = Extension<trl_ext_event>(TRL_EXT_EVENT);
  if (ext == nullptr) return detail::NoExtension(TRL_EXT_EVENT);
  return abi::Check(ext->publish(instance_->host->ctx, abi::Bytes(topic), abi::Bytes(payload)), {});
}

inline std::uint64_t Host::After(std::chrono::milliseconds delay, std::chrono::milliseconds period,
                                 std::function<void()> task) const {
  auto const* ext = Extension<trl_ext_schedule>(TRL_EXT_SCHEDULE);
  if (ext == nullptr) return 0;
  auto& kept = instance_->Keep<detail::TaskRegistration>(instance_, std::move(task));
  return ext->after(instance_->host->ctx, static_cast<std::uint64_t>(delay.count()),
                    static_cast<std::uint64_t>(period.count()), &detail::TaskRegistration::Run,
                    &kept);
}

inline void Host::CancelTask(std::uint64_t task) const {
  auto const* ext = Extension<trl_ext_schedule>(TRL_EXT_SCHEDULE);
  if (ext != nullptr && task != 0) ext->cancel(instance_->host->ctx, task);
}

}  // namespace trellis
