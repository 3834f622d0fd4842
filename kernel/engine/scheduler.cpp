#include "kernel/engine/scheduler.hpp"

#include <algorithm>

namespace trellis::engine {
namespace {

/// A whole removal overtakes what else is queued for its deployment.
bool Overtakes(Ticket const& ticket) {
  return ticket.kind == store::JobKind::kRemove && ticket.target.empty();
}

/// Later jobs of the deployment must wait for it even while it is parked.
bool KeepsOrder(Ticket const& ticket) {
  return ticket.kind == store::JobKind::kApply || ticket.kind == store::JobKind::kRestore;
}

}  // namespace

void Scheduler::Add(Ticket ticket) {
  if (ticket.cancel == nullptr) ticket.cancel = plugin::CancelToken::Make();
  std::lock_guard const lock(mutex_);
  auto const job = ticket.job;
  queued_.insert_or_assign(job, std::move(ticket));
  ++generation_;
  changed_.notify_all();
}

void Scheduler::Drop(std::vector<std::int64_t> const& jobs) {
  std::lock_guard const lock(mutex_);
  for (auto const job : jobs)
    queued_.erase(job);
  ++generation_;
  changed_.notify_all();
}

void Scheduler::CancelRunning(store::DeploymentKey key) {
  std::shared_ptr<plugin::CancelToken> cancel;
  {
    std::lock_guard const lock(mutex_);
    if (auto const found = running_.find(key); found != running_.end())
      cancel = found->second.cancel;
  }
  if (cancel != nullptr) cancel->Cancel();
}

void Scheduler::CancelAll() {
  std::vector<std::shared_ptr<plugin::CancelToken>> tokens;
  {
    std::lock_guard const lock(mutex_);
    for (auto const& [key, ticket] : running_)
      tokens.push_back(ticket.cancel);
  }
  for (auto const& token : tokens)
    token->Cancel();
}

bool Scheduler::Blocked(Ticket const& ticket) const {
  if (running_.contains(ticket.key)) return true;
  if (auto const found = running_of_twin_.find(ticket.key.twin);
      found != running_of_twin_.end() && found->second >= per_twin_)
    return true;
  if (Overtakes(ticket)) return false;
  return std::any_of(queued_.begin(), queued_.end(), [&](auto const& other) {
    return other.second.key == ticket.key && other.first < ticket.job && KeepsOrder(other.second);
  });
}

bool Scheduler::MayRun(Ticket const& ticket, std::chrono::steady_clock::time_point now) const {
  if (ticket.not_before > now || Blocked(ticket)) return false;
  auto const twin = ticket.key.twin;
  for (auto const& name : ticket.changes) {
    SharedName const shared{twin, name};
    if (write_locks_.contains(shared)) return false;
    if (auto const found = read_locks_.find(shared);
        found != read_locks_.end() && found->second > 0)
      return false;
  }
  return std::none_of(ticket.uses.begin(), ticket.uses.end(), [&](auto const& name) {
    return write_locks_.contains({twin, name});
  });
}

void Scheduler::Take(Ticket const& ticket) {
  running_.insert_or_assign(ticket.key, ticket);
  ++running_of_twin_[ticket.key.twin];
  for (auto const& name : ticket.changes)
    write_locks_.insert({ticket.key.twin, name});
  for (auto const& name : ticket.uses)
    ++read_locks_[{ticket.key.twin, name}];
  last_twin_ = ticket.key.twin;
}

std::optional<Ticket> Scheduler::Next(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    auto const now = std::chrono::steady_clock::now();
    Ticket const* best = nullptr;
    auto wake = now + std::chrono::hours(1);
    for (auto const& [job, ticket] : queued_) {
      if (ticket.not_before > now) wake = std::min(wake, ticket.not_before);
      if (!MayRun(ticket, now)) continue;
      // Round robin: twins above the last served one first, then from the start.
      auto const turn = [this](Ticket const& t) {
        return std::pair(t.key.twin <= last_twin_, t.key.twin);
      };
      if (best == nullptr || turn(ticket) < turn(*best)) best = &ticket;
    }
    if (best != nullptr) {
      Ticket chosen = *best;
      queued_.erase(chosen.job);
      Take(chosen);
      return chosen;
    }
    changed_.wait_until(lock, stop, wake,
                        [this, seen = generation_] { return generation_ != seen; });
  }
  return std::nullopt;
}

void Scheduler::Done(Ticket const& ticket) {
  std::lock_guard const lock(mutex_);
  running_.erase(ticket.key);
  if (auto const found = running_of_twin_.find(ticket.key.twin);
      found != running_of_twin_.end() && --found->second == 0) {
    running_of_twin_.erase(found);
  }
  for (auto const& name : ticket.changes)
    write_locks_.erase({ticket.key.twin, name});
  for (auto const& name : ticket.uses) {
    auto const found = read_locks_.find({ticket.key.twin, name});
    if (found != read_locks_.end() && --found->second == 0) read_locks_.erase(found);
  }
  ++generation_;
  changed_.notify_all();
}

Scheduler::Depth Scheduler::DepthOf(store::DeploymentKey key) const {
  std::lock_guard const lock(mutex_);
  Depth depth;
  depth.running = running_.size();
  depth.all = queued_.size() + running_.size();
  auto const count = [&](Ticket const& ticket) {
    if (ticket.key.twin == key.twin) ++depth.twin;
    if (ticket.key == key) ++depth.deployment;
  };
  for (auto const& [job, ticket] : queued_)
    count(ticket);
  for (auto const& [other, ticket] : running_)
    count(ticket);
  return depth;
}

bool Scheduler::Has(store::DeploymentKey key, store::JobKind kind, std::string_view target) const {
  std::lock_guard const lock(mutex_);
  auto const same = [&](Ticket const& ticket) {
    return ticket.key == key && ticket.kind == kind && ticket.target == target;
  };
  return std::any_of(queued_.begin(), queued_.end(),
                     [&](auto const& entry) { return same(entry.second); }) ||
         std::any_of(running_.begin(), running_.end(),
                     [&](auto const& entry) { return same(entry.second); });
}

}  // namespace trellis::engine
