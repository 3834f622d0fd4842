#include "kernel/engine/effects.hpp"

#include <trellis/json.hpp>

#include <poll.h>

#include <algorithm>
#include <array>

namespace trellis::engine {
namespace {
constexpr std::array kRetryDelays{std::chrono::milliseconds(2000), std::chrono::milliseconds(8000)};
}  // namespace

StatusClass Classify(trl_status status) {
  if (status == TRL_UNCHANGED) return StatusClass::kUnchanged;
  if (status >= 0) return StatusClass::kOk;
  switch (status) {
    case TRL_TIMEOUT:
    case TRL_UNAVAILABLE:
    case TRL_IO:
    case TRL_CRASHED:
    case TRL_CANCELLED:
    case TRL_BUSY:
      return StatusClass::kTransient;
    case TRL_NOT_FOUND:
      return StatusClass::kMissing;
    default:
      return StatusClass::kPermanent;
  }
}

plugin::OpRequest MakeRequest(store::WorkloadRow const& row, EffectFlags const& flags) {
  plugin::OpRequest request;
  request.twin = row.key.twin;
  request.contract = row.key.contract;
  request.id = row.id();
  request.name = row.name;
  request.type = row.type;
  request.version = row.version;
  request.data = row.data;
  request.metadata = row.metadata;
  request.description = row.description;
  request.result = row.result;
  request.previous = row.eff_data;
  request.handle = row.handle;
  request.handle_schema = row.handle_schema;
  request.paused = flags.paused;
  request.replay = flags.replay;
  request.retry = flags.retry;
  request.attempt = flags.attempt;
  return request;
}

std::int64_t ChangeTime(Context const& context, store::WorkloadRow const& row) {
  return std::max(context.clock.UnixSeconds(), row.created);
}

void Succeed(Context const& context, store::WorkloadRow& row, plugin::OpAnswer answer,
             bool paused) {
  row.created = ChangeTime(context, row);
  row.state = paused ? "paused" : "ok";
  row.message = paused ? "paused" : "";
  row.result = std::move(answer.result);
  row.eff_version = row.version;
  row.eff_data = row.data;
  row.handle = std::move(answer.handle);
  row.handle_schema = answer.handle_schema;
  row.fails = 0;
  row.next_try = 0;
}

void Break(Context const& context, store::WorkloadRow& row, std::string message,
           std::string result) {
  row.created = ChangeTime(context, row);
  row.state = "error";
  row.message = std::move(message);
  row.result = std::move(result);
}

bool WaitCancelled(plugin::CancelToken const& cancel, std::chrono::milliseconds time) {
  auto const end = std::chrono::steady_clock::now() + time;
  while (!cancel.cancelled()) {
    auto const left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd entry{cancel.fd(), POLLIN, 0};
    (void)::poll(&entry, 1, static_cast<int>(left.count()));  // a signal only repeats the loop
  }
  return true;
}

plugin::OpAnswer ProvisionPatiently(Context const& context, store::WorkloadRow const& row,
                                    EffectFlags flags,
                                    std::shared_ptr<plugin::CancelToken> const& cancel) {
  auto answer = context.plugins.Run(plugin::Op::kProvision, MakeRequest(row, flags), cancel);
  if (row.eff_version.has_value()) return answer;
  for (auto const delay : kRetryDelays) {
    if (Classify(answer.status) != StatusClass::kTransient || WaitCancelled(*cancel, delay)) break;
    ++flags.attempt;
    flags.retry = true;
    answer = context.plugins.Run(plugin::Op::kProvision, MakeRequest(row, flags), cancel);
  }
  return answer;
}

void Announce(Context const& context, store::WorkloadRow const& row, std::string_view state) {
  context.events.Publish({row.key.twin, row.key.contract, row.name, row.type, std::string(state),
                          row.message, row.version});
  boost::json::object const body{
      {"id", row.id()}, {"type", row.type}, {"state", std::string(state)}};
  context.plugins.Publish("workload.state", boost::json::serialize(body));
}

}  // namespace trellis::engine
