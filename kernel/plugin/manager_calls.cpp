// Manager: calls into running plugins.
#include "kernel/base/log.hpp"
#include "kernel/plugin/manager.hpp"

#include <trellis/json.hpp>

#include <algorithm>

namespace trellis::plugin {

namespace {

using std::chrono::seconds;

constexpr seconds kQuestionLimit{5};  // precheck, inspect, list_owned, providers
constexpr seconds kRecoveredLimit{60};
constexpr seconds kServiceLimit{60};

struct OpLimit {
  std::string_view name;
  seconds limit;
};

OpLimit LimitOf(Op op) {
  switch (op) {
    case Op::kProvision:
      return {"provision", seconds(60)};
    case Op::kUpdate:
      return {"update", seconds(60)};
    case Op::kDeprovision:
      return {"deprovision", seconds(120)};
    case Op::kPause:
      return {"pause", seconds(30)};
    case Op::kResume:
      return {"resume", seconds(30)};
  }
  return {"effect", seconds(60)};
}

OpAnswer Answer(Error const& error) {
  OpAnswer answer;
  answer.status = static_cast<trl_status>(error.code);
  answer.error = error.message;
  return answer;
}

}  // namespace

// ---- types ----

void Manager::AddAvailability(TypeInfo& type) const {
  auto const* plugin = directory_.Find(type.plugin);
  if (plugin != nullptr) {
    type.provisions = plugin->manifest.Provisions(type.name);
    type.serial = plugin->serial;
  }
  type.available = plugin != nullptr && plugin->State() == PluginState::kRunning;
  if (!type.available && plugin != nullptr) type.unavailable_reason = plugin->WhyNot();
}

std::optional<TypeInfo> Manager::Type(std::string_view name) const {
  std::optional<TypeInfo> type;
  if (auto const registered = registry_.Type(name); registered != nullptr) {
    type = *registered;
  } else {
    // A plugin that never came up still tells its types in its manifest.
    for (auto const* plugin : directory_.All()) {
      auto const& types = plugin->manifest.types;
      bool const declared = std::any_of(types.begin(), types.end(),
                                        [&](auto const& entry) { return entry.name == name; });
      if (!declared || plugin->State() == PluginState::kRunning) continue;
      type.emplace();
      type->name = name;
      type->plugin = plugin->name;
      break;
    }
  }
  if (type) AddAvailability(*type);
  return type;
}

std::vector<TypeInfo> Manager::Types() const {
  auto types = registry_.Types();
  for (auto& type : types)
    AddAvailability(type);
  return types;
}

bool Manager::Known(std::string_view type) const {
  return Type(type).has_value();
}
bool Manager::Sharable(std::string_view type) const {
  auto const found = registry_.Type(type);
  return found && found->sharable;
}
bool Manager::Updatable(std::string_view type) const {
  auto const found = registry_.Type(type);
  return found && found->updatable;
}

// ---- effects and questions ----

Result<Manager::Entered> Manager::EnterType(OpRequest const& request, std::string_view operation,
                                            seconds limit, std::shared_ptr<CancelToken> cancel) {
  if (cancel == nullptr) cancel = CancelToken::Make();
  TRELLIS_TRY(auto entered, Admit(request.type, cancel.get()));
  auto hold = std::move(entered.call.hold);
  entered.call = NewCall(entered.plugin->manifest.Deadline(request.type, operation, limit));
  entered.call.cancel = std::move(cancel);
  entered.call.hold = std::move(hold);
  entered.call.contract = request.contract;
  entered.call.twin = request.twin;
  entered.call.attempt = request.attempt;
  if (request.replay) entered.call.flags |= TRL_CALL_REPLAY;
  if (request.retry) entered.call.flags |= TRL_CALL_RETRY;
  return entered;
}

/// Why nobody can be called for the type.
tl::unexpected<Error> Manager::NotAvailable(std::string const& type_name) const {
  auto const type = Type(type_name);
  if (!type) return trellis::Fail(Code::kUnavailable, "unknown workload type '{}'", type_name);
  return trellis::Fail(Code::kUnavailable, "workload type '{}' is not available: {}", type_name,
                       type->unavailable_reason);
}

Result<Manager::Entered> Manager::Admit(std::string const& type_name, CancelToken const* cancel) {
  std::chrono::nanoseconds const longest = kMaxQueueWait;
  while (true) {
    auto const type = registry_.Type(type_name);
    Entered entered{type != nullptr ? directory_.Find(type->plugin) : nullptr, {}};
    if (entered.plugin == nullptr || entered.plugin->State() != PluginState::kRunning)
      return NotAvailable(type_name);
    TRELLIS_TRY(auto slot, entered.plugin->EnterEffect(*type, cancel));
    TRELLIS_TRY(auto pass, Gate::Enter(entered.plugin->gates.effects, cancel,
                                       MonotonicNs() + longest.count()));
    if (directory_.Find(type->plugin) != entered.plugin) continue;  // it was exchanged meanwhile
    entered.call.hold = Inside(std::move(slot), std::move(pass));
    return entered;
  }
}

Result<PluginRecord*> Manager::AdmitCall(std::string const& name, CallInfo& call,
                                         std::string const& key, std::uint32_t max_parallel) {
  while (true) {
    auto* const plugin = Running(name);
    if (plugin == nullptr)
      return trellis::Fail(Code::kUnavailable, "plugin '{}' is not running", name);
    std::chrono::milliseconds const left((call.deadline_ns - MonotonicNs()) / 1'000'000);
    TRELLIS_TRY(auto slot, plugin->EnterService(key, max_parallel, nullptr, left));
    TRELLIS_TRY(auto pass, Gate::Enter(plugin->gates.calls, nullptr, call.deadline_ns));
    if (Running(name) != plugin) continue;  // it was exchanged meanwhile
    call.hold = Inside(std::move(slot), std::move(pass));
    return plugin;
  }
}

OpAnswer Manager::Run(Op op, OpRequest const& request, std::shared_ptr<CancelToken> cancel) {
  auto const limit = LimitOf(op);
  auto const entered = EnterType(request, limit.name, limit.limit, std::move(cancel));
  if (!entered) return Answer(entered.error());
  return entered->plugin->Channel()->Run(op, entered->call, request);
}

OpAnswer Manager::RunHere(Op op, OpRequest const& request, std::shared_ptr<CancelToken> cancel,
                          LostCallback const& lost) {
  auto const limit = LimitOf(op);
  auto entered = EnterType(request, limit.name, limit.limit, std::move(cancel));
  if (!entered) return Answer(entered.error());
  entered->call.lost = &lost;
  auto const channel = entered->plugin->Channel();  // when the call is lost, nothing else is left
  return channel->Run(op, entered->call, request);
}

OpAnswer Manager::Precheck(Op op, OpRequest const& request) {
  auto const type = registry_.Type(request.type);
  if (type && !type->has_precheck) {
    OpAnswer fine;
    fine.status = TRL_OK;
    return fine;
  }
  auto const entered = EnterType(request, "precheck", kQuestionLimit, nullptr);
  if (!entered) return Answer(entered.error());
  return entered->plugin->Channel()->Precheck(op, entered->call, request);
}

Result<InspectAnswer> Manager::Inspect(OpRequest const& request) {
  TRELLIS_TRY(auto const entered, EnterType(request, "inspect", kQuestionLimit, nullptr));
  return entered.plugin->Channel()->Inspect(entered.call, request);
}

Result<std::vector<std::string>> Manager::ListOwned(std::string_view type) {
  OpRequest request;
  request.type = type;
  TRELLIS_TRY(auto const entered, EnterType(request, "list_owned", kQuestionLimit, nullptr));
  return entered.plugin->Channel()->ListOwned(entered.call, request.type);
}

void Manager::Recovered(std::vector<std::pair<std::string, std::string>> const& id_and_type) {
  {
    std::lock_guard const lock(stop_mutex_);
    recovered_ = true;
  }
  for (auto const& type : Types()) {
    if (type.available) RecoverType(type.name, id_and_type);
  }
  std::vector<std::string> owners;
  owners.reserve(id_and_type.size());
  for (auto const& [id, type] : id_and_type)
    owners.push_back(id);
  broker_.Reconcile(owners);
}

void Manager::RecoverType(std::string const& type,
                          std::vector<std::pair<std::string, std::string>> const& id_and_type) {
  std::vector<std::string> ids;
  for (auto const& [id, its_type] : id_and_type) {
    if (its_type == type) ids.push_back(id);
  }
  OpRequest request;
  request.type = type;
  auto const entered = EnterType(request, "recovered", kRecoveredLimit, nullptr);
  auto const done = entered ? entered->plugin->Channel()->Recovered(entered->call, type, ids)
                            : Result<void>(tl::unexpected<Error>(entered.error()));
  if (!done)
    log::Warn("plugin not told about its workloads", {{"type", type}, {"error", done.error()}});
}

// ---- commands, providers, services, events ----

std::optional<CommandInfo> Manager::Command(std::string_view name) const {
  auto const found = registry_.Command(name);
  if (!found || Running(found->plugin) == nullptr) return std::nullopt;
  return found->info;
}

CommandReply Manager::RunCommand(std::string_view name, std::uint32_t twin,
                                 std::string_view payload) {
  auto const command = registry_.Command(name);
  if (!command || Running(command->plugin) == nullptr)
    return trellis::Fail(Code::kNotFound, "function is not found");
  auto call = NewCall(std::chrono::milliseconds(command->info.timeout_ms));
  auto const entered =
      AdmitCall(command->plugin, call, "command " + command->canonical, command->info.max_parallel);
  if (!entered) return trellis::Fail(Code::kTimeout, "command timed out");
  auto* const plugin = *entered;
  call.twin = twin;
  call.grace = std::chrono::nanoseconds(0);  // the caller is answered at the limit, not later
  auto reply = plugin->Channel()->Command(call, std::string(name), payload);
  if (MonotonicNs() >= call.deadline_ns) return trellis::Fail(Code::kTimeout, "command timed out");
  if (reply && !reply->empty() && !json::ParseValue(*reply)) {
    return trellis::Fail(Code::kInternal, "plugin '{}' broke the contract: its answer is not JSON",
                         plugin->name);
  }
  return reply;
}

std::vector<ProviderInfo> Manager::Providers(std::string_view kind) const {
  auto providers = registry_.Providers(kind);
  std::erase_if(providers,
                [this](auto const& provider) { return Running(provider.plugin) == nullptr; });
  return providers;
}

Result<std::string> Manager::AskProvider(ProviderInfo const& provider, std::string_view request,
                                         std::chrono::milliseconds limit) {
  auto call = NewCall(limit);
  TRELLIS_TRY(auto* const plugin, AdmitCall(provider.plugin, call, {}, 0));
  TRELLIS_TRY(auto answer,
              plugin->Channel()->Provider(call, provider.kind, provider.name, request));
  if (!json::ParseValue(answer))
    return trellis::Fail(Code::kDecode, "its answer is not one JSON value");
  return answer;
}

std::vector<Provided> Manager::Provide(std::string_view kind, std::string_view request) {
  std::vector<Provided> answers;
  for (auto const& entry : Providers(kind)) {
    auto answer = AskProvider(entry, request, kQuestionLimit);
    if (answer) {
      answers.push_back({entry.plugin, entry.name, *std::move(answer)});
    } else {
      log::Warn("provider failed, left out",
                {{"plugin", entry.plugin}, {"kind", kind}, {"error", answer.error()}});
    }
  }
  return answers;
}

Result<std::string> Manager::CallService(std::string_view id, std::string_view method,
                                         std::string_view request, std::vector<int>* fds_out) {
  TRELLIS_TRY(auto answer, broker_.Call(NewCall(kServiceLimit), nullptr, id, method, request, {}));
  if (fds_out != nullptr) {
    for (auto& fd : answer.fds)
      fds_out->push_back(fd.Release());
  }
  return std::move(answer.body);
}

void Manager::Publish(std::string_view topic, std::string_view payload) {
  for (auto* plugin : directory_.All()) {
    if (plugin->State() == PluginState::kRunning) plugin->Deliver(topic, payload);
  }
}

}  // namespace trellis::plugin
