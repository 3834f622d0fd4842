#include "kernel/plugin/helper/remote_backend.hpp"

#include "kernel/plugin/helper/registration.hpp"
#include "kernel/plugin/helper/wire.hpp"
#include "kernel/plugin/permissions.hpp"

#include <algorithm>
#include <bit>

namespace trellis::plugin {

namespace {

FieldWriter WithCall(CallInfo const& call) {
  FieldWriter out;
  PutCall(out, call);
  return out;
}

std::string Texts(std::initializer_list<std::string_view> texts) {
  FieldWriter out;
  for (auto const text : texts)
    out.Text(text);
  return out.Take();
}

}  // namespace

RemoteBackend::Answer RemoteBackend::Ask(Method method, std::string const& body,
                                         std::span<int const> fds) {
  auto call = connection_.Begin(method, body, fds, nullptr);
  if (!call) return {tl::unexpected<Error>(call.error()), {}};
  if (connection_.Wait(**call, -1, INT64_MAX) != Connection::Waited::kAnswered)
    return {Fail(Code::kCrashed, "the daemon is gone"), {}};
  auto frame = connection_.Take(**call);
  return {ReadText(frame.body), std::move(frame.fds)};
}

Result<void> RemoteBackend::AskDone(Method method, std::string const& body) {
  TRELLIS_CHECK(AskText(method, body));
  return {};
}

// ---- trl_host ----

void RemoteBackend::Log(std::int32_t level, std::string_view text, std::string_view fields) {
  (void)connection_.Notify(
      Method::kLog,
      FieldWriter().Signed(level).Text(text).Text(fields).Take());  // without a daemon nobody reads
}

void RemoteBackend::Progress(CallInfo const& call, std::uint32_t permille, std::string_view text) {
  (void)connection_.Notify(Method::kProgress,
                           WithCall(call).Int(permille).Text(text).Take());  // only shown
}

Result<void> RemoteBackend::Register(std::string_view what, std::string const& json) {
  return AskDone(Method::kRegister, Texts({what, json}));
}

Result<void> RemoteBackend::AddType(TypeInfo type) {
  TypeRegistration const body{type.name,     type.sharable, type.updatable,    type.has_precheck,
                              type.pausable, type.rank,     type.max_parallel, type.after};
  return Register("type", json::Dump(body));
}
Result<void> RemoteBackend::AddService(std::string const& id) {
  return Register("service", json::Dump(id));
}
Result<void> RemoteBackend::AddCommand(CommandInfo command, std::vector<std::string> aliases) {
  CommandRegistration const body{command.name,        command.auth,       command.flags,
                                 command.max_payload, command.timeout_ms, command.max_parallel,
                                 std::move(aliases)};
  return Register("command", json::Dump(body));
}
Result<void> RemoteBackend::AddProvider(std::string const& kind, std::string const& name,
                                        std::string const& options) {
  return Register("provider", json::Dump(ProviderRegistration{kind, name, options}));
}

Result<ServiceAnswer> RemoteBackend::CallService(CallInfo const& call, std::string_view id,
                                                 std::string_view method, std::string_view request,
                                                 std::span<int const> fds) {
  auto answer =
      Ask(Method::kCallService, WithCall(call).Text(id).Text(method).Text(request).Take(), fds);
  if (!answer.text) return tl::unexpected<Error>(answer.text.error());
  return ServiceAnswer{*std::move(answer.text), std::move(answer.fds)};
}

void RemoteBackend::Subscribe(std::string const& prefix) {
  (void)Register("subscription", json::Dump(prefix));  // without a daemon there are no events
}
Result<void> RemoteBackend::Publish(std::string_view topic, std::string_view payload) {
  return AskDone(Method::kPublish, Texts({topic, payload}));
}

std::uint64_t RemoteBackend::DefineMetric(std::int32_t kind, std::string_view name,
                                          std::string_view help, std::string_view labels) {
  auto const id = AskText(Method::kMetric,
                          FieldWriter().Signed(kind).Text(name).Text(help).Text(labels).Take());
  auto const number = id ? json::Parse<std::uint64_t>(*id) : Result<std::uint64_t>(0);
  return number ? *number : 0;
}
void RemoteBackend::RecordMetric(std::uint64_t metric, double value) {
  (void)connection_.Notify(
      Method::kMetric,
      FieldWriter().Int(metric).Int(std::bit_cast<std::uint64_t>(value)).Take());  // one sample
}

Result<std::string> RemoteBackend::EnsureProcess(std::string_view name, std::string_view spec,
                                                 std::span<int const> fds, CallInfo const& call) {
  return Ask(Method::kProcessEnsure, WithCall(call).Text(name).Text(spec).Take(), fds).text;
}
Result<void> RemoteBackend::StopProcess(std::string_view name, CallInfo const& call) {
  return AskDone(Method::kProcessStop, WithCall(call).Text(name).Take());
}
Result<std::string> RemoteBackend::ListProcesses(std::string_view prefix) {
  return AskText(Method::kProcessList, Texts({prefix}));
}

bool RemoteBackend::HasPermission(std::string_view permission) const {
  return IsGranted(permissions_, permission);
}

// ---- trellis.deployment/1 ----

Result<std::string> RemoteBackend::InfoOf(CallInfo const& call) {
  return AskText(Method::kDeploymentInfo, WithCall(call).Take());
}
Result<std::string> RemoteBackend::GetOf(CallInfo const& call, std::string_view name) {
  return AskText(Method::kDeploymentGet, WithCall(call).Text(name).Take());
}
Result<std::string> RemoteBackend::ByTypeOf(CallInfo const& call,
                                            std::span<std::string_view const> types) {
  auto out = WithCall(call);
  for (auto const type : types)
    out.Text(type);
  return AskText(Method::kDeploymentByType, out.Take());
}

Result<std::string> RemoteBackend::DeploymentInfo(std::uint32_t twin, std::uint64_t contract) {
  CallInfo call;
  call.twin = twin;
  call.contract = contract;
  return InfoOf(call);
}
Result<std::string> RemoteBackend::Workload(std::uint32_t twin, std::uint64_t contract,
                                            std::string_view name) {
  CallInfo call;
  call.twin = twin;
  call.contract = contract;
  return GetOf(call, name);
}
Result<std::string> RemoteBackend::WorkloadsByType(std::uint32_t twin, std::uint64_t contract,
                                                   std::span<std::string_view const> types) {
  CallInfo call;
  call.twin = twin;
  call.contract = contract;
  return ByTypeOf(call, types);
}
Result<std::string> RemoteBackend::Shared(std::uint32_t twin, std::string_view type,
                                          std::string_view name) {
  return AskText(Method::kDeploymentShared, FieldWriter().Int(twin).Text(type).Text(name).Take());
}
Result<std::string> RemoteBackend::Current(std::string_view workload_id) {
  return AskText(Method::kDeploymentCurrent, Texts({workload_id}));
}

Result<std::vector<std::pair<std::string, std::string>>> RemoteBackend::Known() {
  return Fail(Code::kUnsupported, "only the daemon knows all workloads");
}

// ---- trellis.contract/1, trellis.engine/1, trellis.store/1 ----

Result<std::string> RemoteBackend::Contract(std::uint64_t contract) {
  return AskText(Method::kContract, FieldWriter().Int(contract).Take());
}
Result<std::string> RemoteBackend::Twin(std::uint32_t twin) {
  return AskText(Method::kTwin, FieldWriter().Int(twin).Take());
}
Result<std::string> RemoteBackend::NameOwner(std::string_view name) {
  return AskText(Method::kNameOwner, Texts({name}));
}
bool RemoteBackend::NodeRented(std::uint32_t twin) {
  auto const rented = AskText(Method::kNodeRented, FieldWriter().Int(twin).Take());
  return rented && *rented == "true";
}

Result<void> RemoteBackend::ReportFailed(std::string_view workload_id, std::string_view reason) {
  return AskDone(Method::kEngineFail, Texts({workload_id, reason}));
}
Result<void> RemoteBackend::ReportObserved(std::string_view workload_id, std::int32_t state,
                                           std::string_view detail) {
  return AskDone(Method::kEngineObserved,
                 FieldWriter().Text(workload_id).Signed(state).Text(detail).Take());
}

Result<std::string> RemoteBackend::KvGet(std::string_view, std::string_view key) {
  return AskText(Method::kStoreGet, Texts({key}));
}
Result<void> RemoteBackend::KvPut(std::string_view, std::string_view key, std::string_view value) {
  return AskDone(Method::kStorePut, Texts({key, value}));
}
Result<void> RemoteBackend::KvRemove(std::string_view, std::string_view key) {
  return AskDone(Method::kStoreRemove, Texts({key}));
}
Result<std::vector<std::string>> RemoteBackend::KvList(std::string_view, std::string_view prefix) {
  TRELLIS_TRY(auto const list, AskText(Method::kStoreList, Texts({prefix})));
  return json::Parse<std::vector<std::string>>(list);
}

}  // namespace trellis::plugin
