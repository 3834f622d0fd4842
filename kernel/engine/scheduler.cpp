#include "kernel/engine/scheduler.hpp"

#include "kernel/base/late_wakes.hpp"

#include <algorithm>

namespace trellis::engine {
namespace {

constexpr std::size_t kBegunPerWorker = 64;
constexpr std::size_t kBegunOfTwin = 16;
constexpr std::size_t kMaxPrepared = 256;  // beyond it documents are read from the store again
constexpr std::size_t kMaxLooks = 128;     // blocked jobs of one twin before its turn is over

}  // namespace

/// Wakes a worker, when one is wanted and none is on its way already (that one wakes the next when
/// there is more), after the lock was given back: it would only wait for it.
class Scheduler::Waking {
 public:
  explicit Waking(Scheduler& scheduler) : scheduler_(scheduler) {}
  ~Waking() {
    if (wanted_) LateWakes::Wake([&scheduler = scheduler_] { scheduler.changed_.NotifyOne(); });
  }
  Waking(Waking const&) = delete;
  Waking& operator=(Waking const&) = delete;
  void Want() {
    if (scheduler_.waiting_ == 0 || scheduler_.waking_) return;
    scheduler_.waking_ = true;
    wanted_ = true;
  }

 private:
  Scheduler& scheduler_;
  bool wanted_ = false;
};

Scheduler::Scheduler(Clock& clock, SchedulerOptions options)
    : clock_(clock),
      options_(options),
      per_twin_((options.workers + 1) / 2),
      max_begun_(options.workers * kBegunPerWorker),
      changed_(clock, mutex_) {}

// ---- the queue ----

bool Scheduler::Admit(store::DeploymentKey key) {
  std::lock_guard const lock(mutex_);
  auto const found = deployments_.find(key);
  auto const of_deployment =
      found == deployments_.end() ? 0 : found->second.lane.size() + found->second.admitted;
  auto const twin = twins_.find(key.twin);
  auto const of_twin = twin == twins_.end() ? 0 : twin->second.queued;
  if (of_deployment >= options_.queue_deployment || of_twin >= options_.queue_twin ||
      queued_ >= options_.queue_total)
    return false;
  ++deployments_[key].admitted;
  ++twins_[key.twin].queued;
  ++queued_;
  return true;
}

void Scheduler::Withdraw(store::DeploymentKey key) {
  std::lock_guard const lock(mutex_);
  --deployments_[key].admitted;
  --twins_[key.twin].queued;
  --queued_;
  Forget(key);
}

void Scheduler::Add(Ticket ticket, bool admitted) {
  Waking waking(*this);
  std::lock_guard const lock(mutex_);
  auto const key = ticket.key;
  auto& deployment = deployments_[key];
  if (queued_ > kMaxPrepared) ticket.prepared.reset();
  if (ticket.kind == store::JobKind::kRestore && !ticket.tried) locks_.RestoreQueued(ticket);
  if (admitted) {
    --deployment.admitted;
  } else {
    ++twins_[key.twin].queued;
    ++queued_;
  }
  deployment.lane.Add(std::move(ticket));
  Relist(key, deployment);
  waking.Want();
}

void Scheduler::Drop(store::DeploymentKey key, std::vector<std::int64_t> const& jobs) {
  Waking waking(*this);
  std::lock_guard const lock(mutex_);
  auto const found = deployments_.find(key);
  if (found == deployments_.end()) return;
  for (auto const job : jobs) {
    auto const ticket = found->second.lane.Take(job);
    if (!ticket.has_value()) continue;
    if (ticket->kind == store::JobKind::kRestore && !ticket->tried) locks_.RestoreTried(*ticket);
    --twins_[key.twin].queued;
    --queued_;
  }
  Relist(key, found->second);
  Forget(key);
  waking.Want();
}

void Scheduler::Relist(store::DeploymentKey key, Deployment& deployment) {
  auto& twin = twins_[key.twin];
  auto const now = clock_.MonotonicNs();
  if (deployment.listed != 0) twin.ready.erase(deployment.listed);
  deployment.listed = 0;
  if (deployment.running.has_value() || deployment.wedged) return;
  if (auto const* head = deployment.lane.Head(now); head != nullptr) {
    deployment.listed = head->job;
    twin.ready.emplace(head->job, head);
    active_.insert(key.twin);
    return;
  }
  auto const next = deployment.lane.NextChange(now);
  if (next != ClockCondition::kNever) timers_.emplace(next, key);
}

void Scheduler::Forget(store::DeploymentKey key) {
  auto const found = deployments_.find(key);
  if (found != deployments_.end() && found->second.lane.empty() && found->second.admitted == 0 &&
      !found->second.running.has_value() && !found->second.wedged)
    deployments_.erase(found);
  ForgetTwin(twins_.find(key.twin));
}

void Scheduler::ForgetTwin(std::map<std::uint32_t, Twin>::iterator found) {
  if (found == twins_.end()) return;
  auto const& twin = found->second;
  if (twin.ready.empty() && twin.resumed.empty()) active_.erase(found->first);
  if (twin.queued == 0 && twin.running == 0 && twin.working == 0) twins_.erase(found);
}

// ---- turns ----

void Scheduler::FireTimers() {
  auto const now = clock_.MonotonicNs();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    auto const key = timers_.begin()->second;
    timers_.erase(timers_.begin());
    if (auto const found = deployments_.find(key); found != deployments_.end())
      Relist(key, found->second);
  }
}

void Scheduler::EndTurn(Worker& worker) {
  if (worker.twin == 0) return;
  locks_.ReleaseSlots(worker.slots);
  worker.slots.clear();
  auto const twin = twins_.find(std::exchange(worker.twin, 0));
  --twin->second.working;
  ForgetTwin(twin);
}

std::optional<Turn> Scheduler::Next(Worker& worker) {
  Waking waking(*this);
  std::unique_lock lock(mutex_);
  EndTurn(worker);
  while (!stopping_) {
    FireTimers();
    if (auto turn = Pick(worker); turn.has_value()) {
      if (!active_.empty()) waking.Want();  // one notification may have made several turns possible
      return turn;
    }
    ++waiting_;
    changed_.WaitUntil(lock, timers_.empty() ? ClockCondition::kNever : timers_.begin()->first);
    --waiting_;
    waking_ = false;
  }
  return std::nullopt;
}

std::optional<Turn> Scheduler::Pick(Worker& worker) {
  // Round robin: twins above the last served one first, then from the start.
  auto next = active_.upper_bound(last_twin_);
  for (std::size_t looks = active_.size(); looks > 0; --looks) {
    if (next == active_.end()) next = active_.begin();
    auto const id = *next++;
    auto& twin = twins_[id];
    auto turn = PickOf(id, twin, worker);
    if (!turn.has_value()) continue;
    last_twin_ = id;
    worker.twin = id;
    ++twin.working;
    if (twin.ready.empty() && twin.resumed.empty()) active_.erase(id);
    return turn;
  }
  return std::nullopt;
}

std::optional<Turn> Scheduler::PickOf(std::uint32_t id, Twin& twin, Worker& worker) {
  if (twin.working >= per_twin_) return std::nullopt;
  if (auto turn = PickResumed(twin, worker); turn.has_value()) return turn;
  if (begun_ >= max_begun_ || twin.running >= kBegunOfTwin) return std::nullopt;
  auto const* ticket = RunnableOf(twin, /*ignore_restores=*/false);
  // Deployments that use each other's sharables would wait for each other for ever.
  if (ticket == nullptr && twin.running == 0) ticket = RunnableOf(twin, /*ignore_restores=*/true);
  if (ticket == nullptr) return std::nullopt;
  return Start({id, ticket->key.contract}, twin, ticket->job);
}

/// The first whose plugins bear another call.
std::optional<Turn> Scheduler::PickResumed(Twin& twin, Worker& worker) {
  for (auto next = twin.resumed.begin(); next != twin.resumed.end(); ++next) {
    auto& running = *deployments_[*next].running;
    if (!locks_.SlotsFree(running.ticket.slots)) continue;
    worker.slots = running.ticket.slots;
    locks_.TakeSlots(worker.slots);
    twin.resumed.erase(next);
    return Turn{{}, running.stopper, std::move(running.resumed)};
  }
  return std::nullopt;
}

Ticket const* Scheduler::RunnableOf(Twin& twin, bool ignore_restores) {
  std::set<std::string_view> wanted;  // sharables that an older job waits for
  std::size_t looks = 0;
  for (auto const& [job, queued] : twin.ready) {
    if (++looks > kMaxLooks) break;
    auto const& ticket = *queued;
    if (!locks_.MayBegin(ticket)) continue;
    auto const waits = [&](auto const& name) { return wanted.contains(name); };
    bool const free = std::none_of(ticket.changes.begin(), ticket.changes.end(), waits) &&
                      std::none_of(ticket.uses.begin(), ticket.uses.end(), waits) &&
                      locks_.SharablesFree(ticket) &&
                      (ignore_restores || !locks_.WaitsForRestore(ticket));
    if (free) return &ticket;
    wanted.insert(ticket.changes.begin(), ticket.changes.end());
  }
  return nullptr;
}

Turn Scheduler::Start(store::DeploymentKey key, Twin& twin, std::int64_t job) {
  auto& deployment = deployments_[key];
  twin.ready.erase(deployment.listed);
  deployment.listed = 0;
  auto ticket = *deployment.lane.Take(job);
  locks_.Take(ticket);
  --queued_;
  --twin.queued;
  ++twin.running;
  ++begun_;
  auto stopper = std::make_shared<Stopper>();
  Turn turn{ticket, stopper, nullptr};
  ticket.prepared.reset();
  deployment.running = Running{std::move(ticket), std::move(stopper)};
  return turn;
}

// ---- what becomes of a turn ----

void Scheduler::Resume(store::DeploymentKey key, std::shared_ptr<Runnable> job) {
  Waking waking(*this);
  std::lock_guard const lock(mutex_);
  deployments_[key].running->resumed = std::move(job);
  twins_[key.twin].resumed.push_back(key);
  active_.insert(key.twin);
  waking.Want();
}

void Scheduler::Release(Running& running) {
  locks_.Release(running.ticket);
  if (running.ticket.kind == store::JobKind::kRestore && !running.ticket.tried)
    locks_.RestoreTried(running.ticket);
  --twins_[running.ticket.key.twin].running;
  --begun_;
}

void Scheduler::Done(store::DeploymentKey key, std::optional<Ticket> again) {
  Waking waking(*this);
  std::lock_guard const lock(mutex_);
  auto& deployment = deployments_[key];
  Release(*deployment.running);
  deployment.running.reset();
  if (again.has_value()) {
    again->tried = true;
    deployment.lane.Add(*std::move(again));
    ++twins_[key.twin].queued;
    ++queued_;
  }
  Relist(key, deployment);
  Forget(key);
  if (!active_.empty() || !timers_.empty()) waking.Want();
}

void Scheduler::Wedge(store::DeploymentKey key, Worker& worker) {
  Waking waking(*this);
  std::lock_guard const lock(mutex_);
  worker.slots.clear();  // but still taken: the plugin is still at it
  EndTurn(worker);
  auto& deployment = deployments_[key];
  Release(*deployment.running);
  deployment.running.reset();
  deployment.wedged = true;
  ++wedged_;
  Relist(key, deployment);
  if (!active_.empty()) waking.Want();
}

// ---- the end ----

void Scheduler::CancelRunning(store::DeploymentKey key) {
  std::shared_ptr<Stopper> stopper;
  {
    std::lock_guard const lock(mutex_);
    auto const found = deployments_.find(key);
    if (found == deployments_.end() || !found->second.running.has_value()) return;
    stopper = found->second.running->stopper;
  }
  stopper->Stop();
}

void Scheduler::Stop() {
  std::vector<std::shared_ptr<Stopper>> stoppers;
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
    for (auto const& [key, deployment] : deployments_) {
      if (deployment.running.has_value()) stoppers.push_back(deployment.running->stopper);
    }
    changed_.NotifyAll();
  }
  for (auto const& stopper : stoppers)
    stopper->Stop();
}

std::int64_t Scheduler::RunningJob(store::DeploymentKey key) const {
  std::lock_guard const lock(mutex_);
  auto const found = deployments_.find(key);
  bool const runs = found != deployments_.end() && found->second.running.has_value();
  return runs ? found->second.running->ticket.job : 0;
}

Scheduler::Depth Scheduler::DepthOf(store::DeploymentKey key) const {
  std::lock_guard const lock(mutex_);
  Depth depth;
  depth.running = begun_;
  depth.all = queued_ + begun_;
  if (auto const twin = twins_.find(key.twin); twin != twins_.end())
    depth.twin = twin->second.queued + twin->second.running;
  if (auto const found = deployments_.find(key); found != deployments_.end()) {
    depth.deployment = found->second.lane.size() + found->second.admitted +
                       (found->second.running.has_value() ? 1 : 0);
  }
  return depth;
}

}  // namespace trellis::engine
