#include "kernel/plugin/broker.hpp"

#include "kernel/base/log.hpp"

#include <trellis/json.hpp>

namespace trellis::plugin {

namespace {

constexpr std::chrono::seconds kServiceLimit{60};

}  // namespace

Result<ServiceAnswer> Broker::Call(CallInfo call, PluginRecord const* caller, std::string_view id,
                                   std::string_view method, std::string_view request,
                                   std::span<int const> fds) {
  if (caller != nullptr && !caller->manifest.MayCall(id))
    return Fail(Code::kDenied, "plugin '{}' does not list service '{}' in its manifest",
                caller->name, id);
  std::int64_t const now = MonotonicNs();
  std::chrono::nanoseconds const limit = kServiceLimit;
  if (call.deadline_ns == INT64_MAX) call.deadline_ns = now + limit.count();
  if (call.deadline_ns <= now) return Fail(Code::kTimeout, "no time left for service '{}'", id);
  if (call.cancel == nullptr) call.cancel = CancelToken::Make();
  call.id = directory_.NextCall();
  call.grace = std::chrono::nanoseconds(0);  // the outer call has its own
  call.incoming = nullptr;
  TRELLIS_TRY(auto* const owner, Admit(call, caller, id));
  return owner->Channel()->Service(call, std::string(id), method, request, fds);
}

Result<PluginRecord*> Broker::Admit(CallInfo& call, PluginRecord const* caller,
                                    std::string_view id) {
  auto const find = [&] { return directory_.Find(registry_.ServiceOwner(id)); };
  auto const late = [&](Error const& error) {
    return Fail(error.code == Code::kBusy ? Code::kTimeout : error.code, "service '{}': {}", id,
                error.message);
  };
  while (true) {
    auto* const owner = find();
    if (owner == nullptr || owner->State() != PluginState::kRunning)
      return Fail(Code::kUnavailable, "service '{}' is not available", id);
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::nanoseconds(call.deadline_ns - MonotonicNs()));
    auto slot = owner->EnterService({}, 0, call.cancel.get(), left);
    if (!slot) return late(slot.error());
    // A plugin that calls its own service is inside already.
    bool const own = caller != nullptr && caller->name == owner->name;
    auto pass = own ? Result<Gate::Pass>(Gate::Pass())
                    : Gate::Enter(owner->gates.calls, call.cancel.get(), call.deadline_ns);
    if (!pass) return late(pass.error());
    if (find() != owner) continue;  // it was exchanged meanwhile
    call.hold = Inside(*std::move(slot), *std::move(pass));
    return owner;
  }
}

void Broker::Reconcile(std::vector<std::string> const& owners) {
  auto const body = fmt::format(R"({{"owners":{}}})", json::Dump(owners));
  for (auto const& [id, plugin] : registry_.Services()) {
    auto const done = Call({}, nullptr, id, "reconcile", body, {});
    if (!done && done.error().code != Code::kUnsupported && done.error().code != Code::kUnavailable)
      log::Warn("service not reconciled", {{"service", id}, {"error", done.error()}});
  }
}

}  // namespace trellis::plugin
