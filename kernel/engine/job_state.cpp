#include "kernel/engine/job_state.hpp"

#include <algorithm>

namespace trellis::engine {
namespace {

constexpr std::int64_t kLongestWait =
    std::int64_t{6} * 3600;  // whatever the wall clock did meanwhile

}  // namespace

std::vector<store::WorkloadRow> JobState::List() const {
  std::vector<store::WorkloadRow> list;
  list.reserve(rows.size());
  for (auto const& [name, row] : rows)
    list.push_back(row);
  std::stable_sort(list.begin(), list.end(),
                   [](auto const& a, auto const& b) { return a.pos < b.pos; });
  return list;
}

void JobState::Note(store::StepRow const& step) {
  auto const same = [&](store::StepRow const& other) {
    return other.name == step.name && (other.op == step.op || (other.holds && step.holds));
  };
  auto const found = std::find_if(journal.begin(), journal.end(), same);
  if (found == journal.end()) {
    journal.push_back(step);
  } else {
    *found = step;
  }
}

std::int64_t JobState::ChangeTime(Clock const& clock) const {
  auto time = std::max(clock.UnixSeconds(), job.created);
  for (auto const& [name, row] : rows)
    time = std::max(time, row.created);
  return time;
}

Result<Reach> ReachOf(store::Database& db, store::DeploymentKey key) {
  Reach reach;
  TRELLIS_TRY(reach.workloads, store::ListNames(db, key));
  TRELLIS_TRY(reach.shared, store::ListShared(db, key));
  TRELLIS_TRY(reach.uses, store::ListUses(db, key));
  return reach;
}

Ticket MakeTicket(store::JobRow const& job, TypeMap const& types, Reach reach, Clock const& clock) {
  Ticket ticket;
  ticket.job = job.id;
  ticket.key = job.key;
  ticket.kind = job.kind;
  ticket.target = job.target;
  bool const flips = job.kind == store::JobKind::kPause || job.kind == store::JobKind::kResume;
  ticket.yields = flips && job.attempts >= kPauseTries;
  ticket.uses = std::move(reach.uses);
  auto const touched = [&](std::string const& name) {
    return job.target.empty() || job.target == name;
  };
  for (auto& name : reach.shared) {
    if (touched(name)) ticket.changes.push_back(std::move(name));
  }
  for (auto const& [name, type] : reach.workloads) {
    auto const facts = types.find(type);
    if (facts == types.end() || !touched(name)) continue;
    auto const& slot = facts->second.slot;
    if (std::find(ticket.slots.begin(), ticket.slots.end(), slot) == ticket.slots.end())
      ticket.slots.push_back(slot);
  }
  auto const wait = std::clamp<std::int64_t>(job.not_before - clock.UnixSeconds(), 0, kLongestWait);
  if (wait > 0)
    ticket.not_before_ns =
        clock.MonotonicNs() + std::chrono::nanoseconds(std::chrono::seconds(wait)).count();
  return ticket;
}

std::chrono::seconds Backoff(std::uint32_t fails, std::int64_t first, std::int64_t limit) {
  std::int64_t delay = first;
  for (std::uint32_t i = 1; i < fails && delay < limit; ++i)
    delay *= 2;
  return std::chrono::seconds(std::min(delay, limit));
}

}  // namespace trellis::engine
