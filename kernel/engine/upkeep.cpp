#include "kernel/engine/upkeep.hpp"

#include "kernel/base/log.hpp"
#include "kernel/engine/effects.hpp"
#include "kernel/grid/names.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>

namespace trellis::engine {
namespace {

constexpr int kSightings = 2;  // an orphan is removed when it was seen in two rounds
constexpr std::size_t kParallelInspections = 8;

}  // namespace

Upkeep::~Upkeep() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Upkeep::Start() {
  thread_ = std::jthread([this](std::stop_token stop) {
    (void)::pthread_setname_np(::pthread_self(), "upkeep");
    Loop(std::move(stop));
  });
}

void Upkeep::Loop(std::stop_token stop) {
  while (!stop.stop_requested()) {
    InspectAll(stop);
    std::unique_lock lock(mutex_);
    auto const interval = std::chrono::seconds(context_.options.inspect_interval_s);
    auto const end = std::chrono::steady_clock::now() + interval;
    while (changed_.wait_until(lock, stop, end, [this] { return !wanted_.empty(); })) {
      auto const ids = std::exchange(wanted_, {});
      lock.unlock();
      for (auto const& id : ids) {
        auto const parsed = grid::WorkloadId::Parse(id);
        if (!parsed) continue;
        auto const row = context_.readers.Run([&](store::Database& db) {
          return store::FindWorkload(db, {parsed->twin, parsed->contract}, parsed->name);
        });
        if (row && row->has_value()) InspectOne(**row);
      }
      lock.lock();
    }
  }
}

void Upkeep::InspectAll(std::stop_token const& stop) {
  auto const rows =
      context_.readers.Run([](store::Database& db) { return store::ListAllWorkloads(db); });
  if (!rows) {
    log::Error("cannot read the stored workloads, retrying", {{"error", rows.error().message}});
    return;
  }
  if (!recovered_) {
    std::vector<std::pair<std::string, std::string>> known;
    for (auto const& row : *rows)
      known.emplace_back(row.id(), row.type);
    context_.plugins.Recovered(known);
    recovered_ = true;
  }
  std::atomic<std::size_t> next{0};
  auto const inspect = [&] {
    for (std::size_t i = next++; i < rows->size() && !stop.stop_requested(); i = next++)
      InspectOne((*rows)[i]);
  };
  std::vector<std::jthread> helpers;
  for (std::size_t i = 1; i < std::min(kParallelInspections, rows->size()); ++i)
    helpers.emplace_back(inspect);
  inspect();
  helpers.clear();
  if (!stop.stop_requested()) FindOrphans(*rows);
}

void Upkeep::InspectOne(store::WorkloadRow const& row) {
  bool const broken = row.state == "error" && row.eff_version.has_value();
  if (!row.IsOkay() && !broken) return;
  if (row.next_try > context_.clock.UnixSeconds()) return;
  if (context_.scheduler.DepthOf(row.key).deployment > 0) return;  // a job is at it
  if (broken) {
    QueueFor(row, store::JobKind::kRepair, "retry");
    return;
  }
  auto request = MakeRequest(row, {});
  auto const seen = context_.plugins.Inspect(request);
  if (!seen) return;  // its plugin is away: no conclusion
  auto const right = row.state == "paused" ? TRL_OBSERVED_PAUSED : TRL_OBSERVED_RUNNING;
  if (seen->state == right || seen->state == TRL_OBSERVED_UNKNOWN) return;
  if (row.state == "paused" && seen->state == TRL_OBSERVED_RUNNING &&
      !context_.plugins.Type(row.type).value_or(plugin::TypeInfo{}).pausable)
    return;
  log::Warn("workload differs from what is stored, repairing",
            {{"id", row.id()}, {"type", row.type}, {"detail", seen->detail}});
  QueueFor(row, store::JobKind::kRepair, seen->detail);
}

void Upkeep::QueueFor(store::WorkloadRow const& row, store::JobKind kind, std::string_view reason) {
  store::JobRow job;
  job.key = row.key;
  job.kind = kind;
  job.target = row.name;
  job.reason = reason;
  if (auto const queued = queue_(std::move(job)); !queued) {
    log::Error(
        "cannot queue a job, retrying",
        {{"id", row.id()}, {"kind", store::ToText(kind)}, {"error", queued.error().message}});
  }
}

void Upkeep::FindOrphans(std::vector<store::WorkloadRow> const& rows) {
  std::set<std::string> known;
  for (auto const& row : rows)
    known.insert(row.id());
  std::map<std::string, int> seen;
  for (auto const& type : context_.plugins.Types()) {
    if (!type.available) continue;
    auto const owned = context_.plugins.ListOwned(type.name);
    if (!owned) continue;
    for (auto const& id : *owned) {
      auto const parsed = grid::WorkloadId::Parse(id);
      if (known.contains(id) || !parsed) continue;
      seen[id] = sightings_.contains(id) ? sightings_[id] + 1 : 1;
      if (seen[id] < kSightings) continue;
      store::WorkloadRow row;
      row.key = {parsed->twin, parsed->contract};
      row.name = parsed->name;
      row.type = type.name;
      auto const answer = context_.plugins.Run(plugin::Op::kDeprovision, MakeRequest(row, {}),
                                               plugin::CancelToken::Make());
      log::Warn(
          "removed an orphan",
          {{"id", id}, {"type", type.name}, {"status", answer.status}, {"error", answer.error}});
    }
  }
  sightings_ = std::move(seen);
}

Result<void> Upkeep::ReportFailed(std::string_view workload_id, std::string_view reason) {
  TRELLIS_TRY(auto const parsed, grid::WorkloadId::Parse(workload_id));
  store::JobRow job;
  job.key = {parsed.twin, parsed.contract};
  job.kind = store::JobKind::kFail;
  job.target = parsed.name;
  job.reason = reason;
  return queue_(std::move(job));
}

Result<void> Upkeep::ReportObserved(std::string_view workload_id) {
  constexpr std::size_t kMaxWanted = 4096;
  std::lock_guard const lock(mutex_);
  if (wanted_.size() < kMaxWanted) wanted_.emplace(workload_id);
  changed_.notify_all();
  return {};
}

}  // namespace trellis::engine
