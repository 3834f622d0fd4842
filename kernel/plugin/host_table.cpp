#include "kernel/plugin/host_table.hpp"

#include "kernel/plugin/registrations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace trellis::plugin {

namespace {

HostTable& Of(void* ctx) {
  return *static_cast<HostTable*>(ctx);
}

/// Permissions of which a plugin needs one to get the extension at all.
struct Gate {
  std::string_view extension;
  std::vector<std::string_view> permissions;
};

bool MayHave(HostBackend const& backend, std::string_view extension) {
  static std::array<Gate, 4> const kGates{
      {{TRL_EXT_COMMAND, {"command:"}},
       {TRL_EXT_PROCESS, {"process.spawn"}},
       {TRL_EXT_ENGINE, {"engine.report"}},
       {TRL_EXT_CONTRACT, {"contract.read", "twin.read", "name.read"}}}};
  auto const gate = std::ranges::find(kGates, extension, &Gate::extension);
  return gate == kGates.end() || std::ranges::any_of(gate->permissions, [&](auto const permission) {
           return backend.HasPermission(permission);
         });
}

}  // namespace

CallState::CallState(CallInfo const& the_info) : info(the_info), raw{} {
  raw.size = sizeof raw;
  raw.flags = info.flags;
  raw.id = info.id;
  raw.deadline_ns = info.deadline_ns;
  raw.contract_id = info.contract;
  raw.twin_id = info.twin;
  raw.attempt = info.attempt;
  raw.host_data = this;
}

Result<CallInfo> ReadCall(trl_call const* call) {
  if (call == nullptr || call->size < sizeof(trl_call))
    return Fail(Code::kAbi, "the call is smaller than the plugin ABI says");
  CallInfo info;
  if (call->host_data != nullptr) info = static_cast<CallState const*>(call->host_data)->info;
  info.id = call->id;
  info.flags = call->flags;
  info.contract = call->contract_id;
  info.twin = call->twin_id;
  info.attempt = call->attempt;
  info.deadline_ns = std::min(info.deadline_ns, call->deadline_ns);
  info.hold.reset();
  return info;
}

trl_status Refuse(trl_sink err, Error const& error) {
  abi::Write(err, RepairText(error.message, kMaxErrorBytes));
  return static_cast<trl_status>(error.code);
}

/// The functions of trl_host. Nothing thrown may reach the plugin.
struct HostFunctions {
  static void Log(void* ctx, std::int32_t level, trl_bytes text, trl_bytes fields) noexcept try {
    auto& self = Of(ctx);
    if (self.shut_ || level < self.backend_.LogLevel()) return;
    auto const taken = self.log_budget_.Take(MonotonicNs());
    if (!taken.allowed) return;
    if (taken.dropped != 0)
      self.backend_.Log(TRL_LOG_WARN, fmt::format("{} log records were dropped", taken.dropped),
                        {});
    auto const line = RepairText(abi::View(text).substr(0, kMaxLogBytes), kMaxLogBytes);
    auto const room = kMaxLogBytes - line.size();
    // Half a field list is no JSON: all or nothing.
    auto const extra = fields.size <= room ? RepairText(abi::View(fields), room) : std::string();
    self.backend_.Log(std::clamp<std::int32_t>(level, TRL_LOG_TRACE, TRL_LOG_ERROR), line, extra);
  } catch (...) {  // out of memory: the line is lost
  }
  static std::int32_t LogLevel(void* ctx) noexcept { return Of(ctx).backend_.LogLevel(); }

  static trl_status RegisterType(void* ctx, trl_type_desc const* desc, trl_sink err) noexcept {
    return Guarded(err, [&] { return Registrations::AddType(Of(ctx), desc, err); });
  }
  static trl_status RegisterService(void* ctx, trl_bytes id, trl_service_fn run, void* service,
                                    trl_sink err) noexcept {
    return Guarded(err, [&] {
      return Registrations::AddService(Of(ctx), id, {run, service}, err);
    });
  }
  // NOLINTNEXTLINE(readability-function-size): the ABI's parameters
  static trl_status CallService(void* ctx, trl_call const* call, trl_bytes id, trl_bytes method,
                                trl_bytes request, trl_fds fds, trl_sink reply,
                                trl_fd_sink reply_fds, trl_sink err) noexcept {
    return Guarded(err, [&]() -> trl_status {
      auto const info = Enter(Of(ctx), call);
      if (!info) return Refuse(err, info.error());
      if (fds.size > kMaxCallFds)
        return Refuse(err, {Code::kExhausted, "more than 8 descriptors in one call"});
      auto answer =
          Of(ctx).backend_.CallService(*info, abi::View(id), abi::View(method), abi::View(request),
                                       std::span<int const>(fds.data, fds.size));
      if (!answer) return Refuse(err, answer.error());
      for (auto const& fd : answer->fds) {
        if (auto const status = reply_fds.put(reply_fds.ctx, fd.get()); status < 0) return status;
      }
      return abi::Write(reply, answer->body);
    });
  }
  static std::int32_t Cancelled(void*, trl_call const* call) noexcept {
    auto const info = ReadCall(call);
    if (!info) return 1;
    if (info->cancel != nullptr && info->cancel->cancelled()) return 1;
    return MonotonicNs() >= info->deadline_ns ? 1 : 0;
  }
  static std::int32_t CancelFd(void*, trl_call const* call) noexcept {
    auto const info = ReadCall(call);
    return info && info->cancel != nullptr ? info->cancel->fd() : -1;
  }
  static void Progress(void* ctx, trl_call const* call, std::uint32_t permille,
                       trl_bytes text) noexcept try {
    auto const info = Enter(Of(ctx), call);
    if (info)
      Of(ctx).backend_.Progress(*info, std::min(permille, 1000U),
                                RepairText(abi::View(text), kMaxErrorBytes));
  } catch (...) {  // progress is only shown
  }
  static void const* Extension(void* ctx, char const* id) noexcept {
    if (id == nullptr || !Of(ctx).backend_.HasExtension(id) || !MayHave(Of(ctx).backend_, id))
      return nullptr;
    auto const* found = ServedExtension(id);
    return found != nullptr ? found : KernelExtension(id);
  }

  static Result<CallInfo> Enter(HostTable const& self, trl_call const* call) {
    if (self.shut_) return Fail(Code::kUnavailable, "the plugin was stopped");
    return ReadCall(call);
  }
};

HostTable::HostTable(HostBackend& backend)
    : backend_(backend), table_{}, queue_(std::string(backend.plugin())) {
  table_.size = sizeof table_;
  table_.abi_major = TRL_ABI_MAJOR;
  table_.abi_minor = TRL_ABI_MINOR;
  table_.ctx = this;
  table_.log = &HostFunctions::Log;
  table_.log_level = &HostFunctions::LogLevel;
  table_.register_type = &HostFunctions::RegisterType;
  table_.register_service = &HostFunctions::RegisterService;
  table_.call_service = &HostFunctions::CallService;
  table_.cancelled = &HostFunctions::Cancelled;
  table_.cancel_fd = &HostFunctions::CancelFd;
  table_.progress = &HostFunctions::Progress;
  table_.extension = &HostFunctions::Extension;
}

std::string HostTable::refused() const {
  std::lock_guard const lock(mutex_);
  return refused_;
}

void HostTable::Shut() {
  queue_.Stop();
  shut_ = true;
}

void HostTable::DeliverEvent(std::string_view topic, std::string_view payload) {
  std::lock_guard const lock(mutex_);
  for (auto const& subscription : subscriptions_) {
    if (!topic.starts_with(subscription.prefix)) continue;
    queue_.PostEvent(
        [run = subscription.run, self = subscription.self, name = std::string(topic),
         body = std::string(payload)] { run(self, abi::Bytes(name), abi::Bytes(body)); });
  }
}

namespace {
template <class Map>
auto const* Find(Map const& map, std::string_view key) {
  auto const found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}
}  // namespace

TypeCode const* HostTable::Type(std::string_view name) const {
  return Find(types_, name);
}
ServiceCode const* HostTable::Service(std::string_view id) const {
  return Find(services_, id);
}
CommandCode const* HostTable::Command(std::string_view name) const {
  return Find(commands_, name);
}
ProviderCode const* HostTable::Provider(std::string_view kind, std::string_view name) const {
  return Find(providers_, fmt::format("{} {}", kind, name));
}

}  // namespace trellis::plugin
