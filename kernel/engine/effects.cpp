#include "kernel/engine/effects.hpp"

#include <trellis/json.hpp>

namespace trellis::engine {

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

void Succeed(store::WorkloadRow& row, plugin::OpAnswer answer, bool paused, std::int64_t now) {
  row.created = now;
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

void Break(store::WorkloadRow& row, std::string message, SharedText result, std::int64_t now) {
  row.created = now;
  row.state = "error";
  row.message = std::move(message);
  row.result = std::move(result);
}

void Announce(Context const& context, store::WorkloadRow const& row) {
  context.events.Publish(
      {row.key.twin, row.key.contract, row.name, row.type, row.state, row.message, row.version});
  context.plugins.Publish(
      "workload.state", fmt::format(R"({{"id":"{}","type":"{}","state":"{}"}})", row.id(), row.type,
                                    row.state));  // names need no escapes
}

}  // namespace trellis::engine
