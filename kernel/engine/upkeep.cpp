#include "kernel/engine/upkeep.hpp"

#include "kernel/base/fail_point.hpp"
#include "kernel/base/log.hpp"
#include "kernel/engine/effects.hpp"
#include "kernel/grid/names.hpp"
#include "kernel/store/listings.hpp"
#include "kernel/sys/memory.hpp"

#include <pthread.h>

#include <algorithm>

namespace trellis::engine {
namespace {

constexpr std::size_t kParallel = 8;
constexpr std::size_t kPage = 64;  // deployments in memory at once
constexpr std::size_t kMaxWanted = 4096;

std::int64_t SecondsNs(std::int64_t seconds) {
  return std::chrono::nanoseconds(std::chrono::seconds(seconds)).count();
}

}  // namespace

Upkeep::Upkeep(Context const& context, QueueJob queue, std::function<void()> round_done)
    : context_(context),
      queue_(std::move(queue)),
      round_done_(std::move(round_done)),
      orphans_(context),
      changed_(context.clock, mutex_) {}

Upkeep::~Upkeep() {
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Upkeep::Start() {
  thread_ = std::jthread([this] {
    (void)::pthread_setname_np(::pthread_self(), "upkeep");
    Loop();
  });
}

bool Upkeep::stopping() {
  std::lock_guard const lock(mutex_);
  return stopping_;
}

void Upkeep::Loop() {
  while (!stopping()) {
    auto const next = context_.clock.MonotonicNs() + SecondsNs(context_.options.inspect_interval_s);
    Round();
    std::unique_lock lock(mutex_);
    while (changed_.WaitUntil(lock, next, [this] { return stopping_ || !wanted_.empty(); })) {
      if (stopping_) return;
      auto const ids = std::exchange(wanted_, {});
      lock.unlock();
      LookAtIds(ids);
      lock.lock();
    }
  }
}

void Upkeep::TellPlugins() {
  auto const known =
      context_.readers.Run([](store::Database& db) { return store::ListWorkloadIds(db); });
  if (!known) return log::Error("cannot tell plugins what is stored", {{"error", known.error()}});
  context_.plugins.Recovered(*known);
  told_plugins_ = true;
  sys::GiveBackMemory();
}

void Upkeep::Round() {
  if (!told_plugins_ && context_.readers.IsFileSound()) TellPlugins();
  store::DeploymentKey after;
  TypeCounts unloaded;
  while (!stopping()) {
    std::vector<store::WorkloadRow> rows;
    auto const more = context_.readers.Run([&](store::Database& db) -> Result<bool> {
      TRELLIS_TRY(auto page, store::ListWorkloadsAfter(db, after, kPage));
      for (auto& row : page.rows) {
        if (row.IsOkay() || (row.state == "error" && row.eff_version.has_value()))
          rows.push_back(std::move(row));
      }
      after = page.last;
      return page.more;
    });
    if (!more)
      return log::Error("cannot read the stored workloads, retrying", {{"error", more.error()}});
    std::erase_if(rows, [&, types = context_.types.Get()](auto const& row) {
      bool const loaded = types->contains(row.type);
      if (!loaded) ++unloaded[row.type];
      return !loaded || !WorthALook(row);
    });
    LookAt(rows);
    if (*more) continue;
    NoteUnloaded(std::move(unloaded));
    if (told_plugins_ && context_.readers.IsFileSound()) orphans_.Look();
    ++rounds_;
    if (round_done_) round_done_();
    return;
  }
}

void Upkeep::NoteUnloaded(TypeCounts now) {
  std::lock_guard const lock(mutex_);
  for (auto const& [type, count] : now) {
    if (unloaded_.contains(type)) continue;
    log::Error("the plugin of a type is not loaded, its workloads stay as they are",
               {{"type", type}, {"workloads", count}});
  }
  unloaded_ = std::move(now);
}

TypeCounts Upkeep::unloaded() {
  std::lock_guard const lock(mutex_);
  return unloaded_;
}

bool Upkeep::WorthALook(store::WorkloadRow const& row) {
  return row.next_try <= context_.clock.UnixSeconds() &&
         context_.scheduler.DepthOf(row.key).deployment == 0;  // else a job is at it
}

void Upkeep::LookAt(std::vector<store::WorkloadRow> const& rows) {
  std::atomic<std::size_t> next{0};
  auto const look = [&] {
    for (auto i = next++; i < rows.size() && !stopping(); i = next++)
      LookAtOne(rows[i]);
  };
  std::vector<std::jthread> helpers;
  for (std::size_t i = 1; i < std::min(kParallel, rows.size()); ++i)
    helpers.emplace_back([&look] {
      (void)::pthread_setname_np(::pthread_self(), "upkeep-look");
      look();
    });
  look();
}

void Upkeep::LookAtOne(store::WorkloadRow const& row) {
  if (!row.IsOkay()) return Repair(row, row.message);  // was ok once: it is tried again and again
  TRELLIS_KILL_POINT("boot.inspect");
  auto const seen = context_.plugins.Inspect(MakeRequest(row, {}));
  if (!seen) return;  // its plugin is away: no conclusion
  auto const right = row.state == "paused" ? TRL_OBSERVED_PAUSED : TRL_OBSERVED_RUNNING;
  if (seen->state == right || seen->state == TRL_OBSERVED_UNKNOWN) return;
  bool const only_flips = row.state == "paused" && seen->state == TRL_OBSERVED_RUNNING &&
                          !context_.plugins.Type(row.type).value_or(plugin::TypeInfo{}).pausable;
  if (only_flips) return;
  log::Warn("workload differs from what is stored, repairing",
            {{"id", row.id()}, {"type", row.type}, {"detail", seen->detail}});
  Repair(row, seen->detail);
}

void Upkeep::LookAtIds(std::set<std::string, std::less<>> const& ids) {
  for (auto const& text : ids) {
    auto const id = grid::WorkloadId::Parse(text);
    if (!id) continue;
    auto const row = context_.readers.Run([&](store::Database& db) {
      return store::FindWorkload(db, {id->twin, id->contract}, id->name);
    });
    if (row && row->has_value() && (*row)->IsOkay() && WorthALook(**row)) LookAtOne(**row);
  }
}

void Upkeep::Repair(store::WorkloadRow const& row, std::string_view reason) {
  store::JobRow job;
  job.key = row.key;
  job.kind = store::JobKind::kRepair;
  job.target = row.name;
  job.reason = reason;
  if (auto const queued = queue_(std::move(job)); !queued)
    log::Error("cannot queue a repair, retrying", {{"id", row.id()}, {"error", queued.error()}});
}

Result<void> Upkeep::ReportFailed(std::string_view workload_id, std::string_view reason) {
  TRELLIS_TRY(auto const id, grid::WorkloadId::Parse(workload_id));
  store::JobRow job;
  job.key = {id.twin, id.contract};
  job.kind = store::JobKind::kFail;
  job.target = id.name;
  job.reason = reason;
  return queue_(std::move(job));
}

Result<void> Upkeep::ReportObserved(std::string_view workload_id) {
  TRELLIS_CHECK(grid::WorkloadId::Parse(workload_id));
  std::lock_guard const lock(mutex_);
  // Above the limit the next round sees it.
  if (wanted_.size() < kMaxWanted) wanted_.emplace(workload_id);
  changed_.NotifyAll();
  return {};
}

}  // namespace trellis::engine
