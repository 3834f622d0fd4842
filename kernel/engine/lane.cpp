#include "kernel/engine/lane.hpp"

#include "kernel/base/clock_condition.hpp"

#include <algorithm>

namespace trellis::engine {
namespace {

using store::JobKind;

bool IsWholeRemoval(Ticket const& ticket) {
  return ticket.kind == JobKind::kRemove && ticket.target.empty();
}

/// Later jobs of the deployment must wait for it even while it is parked.
bool KeepsOrder(Ticket const& ticket) {
  if (ticket.yields) return false;
  return ticket.kind == JobKind::kApply || ticket.kind == JobKind::kPause ||
         ticket.kind == JobKind::kResume;
}

}  // namespace

std::optional<Ticket> Lane::Take(std::int64_t job) {
  auto const found = queued_.find(job);
  if (found == queued_.end()) return std::nullopt;
  std::optional<Ticket> ticket(std::move(found->second));
  queued_.erase(found);
  return ticket;
}

Ticket const* Lane::Head(std::int64_t now_ns) const {
  for (auto const overtakes :
       {IsWholeRemoval, +[](Ticket const& ticket) { return ticket.kind == JobKind::kRestore; }}) {
    auto const found = std::find_if(queued_.begin(), queued_.end(),
                                    [&](auto const& entry) { return overtakes(entry.second); });
    if (found != queued_.end())
      return found->second.not_before_ns <= now_ns ? &found->second : nullptr;
  }
  for (auto const& [job, ticket] : queued_) {
    if (ticket.not_before_ns <= now_ns) return &ticket;
    if (KeepsOrder(ticket)) return nullptr;
  }
  return nullptr;
}

std::int64_t Lane::NextChange(std::int64_t now_ns) const {
  auto next = ClockCondition::kNever;
  for (auto const& [job, ticket] : queued_) {
    if (ticket.not_before_ns > now_ns) next = std::min(next, ticket.not_before_ns);
  }
  return next;
}

}  // namespace trellis::engine
