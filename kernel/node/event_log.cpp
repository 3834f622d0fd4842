#include "kernel/node/event_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace trellis::node {
namespace {

constexpr std::int64_t kRefillNs = 1'000'000'000 / EventLog::kPerSecond;

}  // namespace

void EventLog::Take(engine::StateEvent const& event) {
  event.name.empty() ? OfDeployment(event) : OfWorkload(event);
}

void EventLog::OfDeployment(engine::StateEvent const& event) {
  auto const tell = [&](std::string_view what, std::string_view message) {
    Line(log::Level::kInfo, what,
         {{"twin", event.twin},
          {"contract", event.contract},
          {"version", event.version},
          {message, event.message}});
  };
  bool const gone = event.message == "remove";  // has its own line
  if (event.state == "settled" && !gone) return tell("deployment is settled", "job");
  if (event.state == "removed") return tell("deployment is removed", "reason");
  if (event.state == "parked" && !event.message.empty())
    return tell("deployment waits, retrying", "reason");
  // `wedged` is told where it is noticed.
  Line(log::Level::kDebug, "job of a deployment",
       {{"twin", event.twin}, {"contract", event.contract}, {"state", event.state}});
}

void EventLog::OfWorkload(engine::StateEvent const& event) {
  bool const error = event.state == "error";
  auto const level = error || event.state == "unchanged" ? log::Level::kWarn : log::Level::kDebug;
  if (!log::IsOn(level)) return;
  auto const id = fmt::format("{}-{}-{}", event.twin, event.contract, event.name);
  if (level == log::Level::kDebug) {
    return Line(level, "workload changed",
                {{"id", id}, {"type", event.type}, {"state", event.state}});
  }
  Line(level, error ? "workload is in error" : "workload stays as it was",
       {{"id", id}, {"type", event.type}, {"version", event.version}, {"error", event.message}});
}

void EventLog::Line(log::Level level, std::string_view message, log::Fields fields) {
  if (!log::IsOn(level)) return;
  if (level == log::Level::kDebug || MayWrite())  // who debugs wants everything
    write_(level, message, std::span(fields.begin(), fields.size()));
}

bool EventLog::MayWrite() {
  auto const now = clock_.MonotonicNs();
  if (auto const more = (now - filled_ns_) / kRefillNs; more > 0) {
    left_ = std::min(left_ + more, kBurst);
    filled_ns_ = now;
  }
  if (left_ == 0) {
    ++missed_;
    return false;
  }
  --left_;
  if (missed_ > 0) {
    std::array<log::Field, 1> const fields{{{"count", std::exchange(missed_, 0)}}};
    write_(log::Level::kWarn, "too many changes of deployments, some were not logged", fields);
  }
  return true;
}

}  // namespace trellis::node
