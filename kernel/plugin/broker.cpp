#include "kernel/plugin/broker.hpp"

#include "kernel/base/log.hpp"

#include <trellis/json.hpp>

namespace trellis::plugin {

namespace {

constexpr std::chrono::seconds kServiceLimit{60};

}  // namespace

Result<ServiceAnswer> Broker::Call(CallInfo call, std::string_view caller, std::string_view id,
                                   std::string_view method, std::string_view request,
                                   std::span<int const> fds) {
  if (!caller.empty()) {
    auto const* const from = directory_.Find(caller);
    if (from == nullptr || !from->manifest.MayCall(id))
      return Fail(Code::kDenied, "plugin '{}' does not list service '{}' in its manifest", caller,
                  id);
  }
  auto* const owner = directory_.Find(registry_.ServiceOwner(id));
  if (owner == nullptr || owner->State() != PluginState::kRunning)
    return Fail(Code::kUnavailable, "service '{}' is not available", id);
  std::int64_t const now = MonotonicNs();
  std::chrono::nanoseconds const limit = kServiceLimit;
  if (call.deadline_ns == INT64_MAX) call.deadline_ns = now + limit.count();
  if (call.deadline_ns <= now) return Fail(Code::kTimeout, "no time left for service '{}'", id);
  if (call.cancel == nullptr) call.cancel = CancelToken::Make();
  call.id = directory_.NextCall();
  call.grace = std::chrono::nanoseconds(0);  // the outer call has its own
  call.incoming = nullptr;
  auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::nanoseconds(call.deadline_ns - now));
  auto slot = owner->EnterService({}, 0, call.cancel.get(), left);
  if (!slot) {
    bool const late = slot.error().code == Code::kBusy;
    return Fail(late ? Code::kTimeout : slot.error().code, "service '{}': {}", id,
                slot.error().message);
  }
  call.hold = *std::move(slot);
  return owner->Channel()->Service(call, std::string(id), method, request, fds);
}

void Broker::Reconcile(std::vector<std::string> const& owners) {
  auto const body = fmt::format(R"({{"owners":{}}})", json::Dump(owners));
  for (auto const& [id, plugin] : registry_.Services()) {
    auto const done = Call({}, {}, id, "reconcile", body, {});
    if (!done && done.error().code != Code::kUnsupported && done.error().code != Code::kUnavailable)
      log::Warn("service not reconciled", {{"service", id}, {"error", done.error()}});
  }
}

}  // namespace trellis::plugin
