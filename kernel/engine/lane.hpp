// The queued jobs of one deployment, and which of them is next.
#pragma once

#include "kernel/engine/ticket.hpp"

#include <cstdint>
#include <map>
#include <optional>

namespace trellis::engine {

/// Jobs run in acceptance order, with three exceptions: a removal of the whole deployment overtakes
/// everything; a restore overtakes what was queued before the reboot; a parked repair, fail or
/// removal of one workload holds up nobody, nor does a ticket that yields.
class Lane {
 public:
  void Add(Ticket ticket) {
    auto const job = ticket.job;
    queued_.insert_or_assign(job, std::move(ticket));
  }
  /// The ticket, if it is there.
  std::optional<Ticket> Take(std::int64_t job);
  /// What may run at `now_ns`; nullptr = nothing.
  [[nodiscard]] Ticket const* Head(std::int64_t now_ns) const;
  /// When Head may be another one without an Add or Take; ClockCondition::kNever.
  [[nodiscard]] std::int64_t NextChange(std::int64_t now_ns) const;

  [[nodiscard]] std::map<std::int64_t, Ticket> const& queued() const { return queued_; }
  [[nodiscard]] std::size_t size() const { return queued_.size(); }
  [[nodiscard]] bool empty() const { return queued_.empty(); }

 private:
  std::map<std::int64_t, Ticket> queued_;  // by job id: acceptance order
};

}  // namespace trellis::engine
