// The `apply` job: a deploy or an update, from the accepted document to what really runs.
#include "kernel/engine/contract_check.hpp"
#include "kernel/engine/effects.hpp"
#include "kernel/engine/job_runner.hpp"
#include "kernel/engine/view.hpp"
#include "kernel/grid/reason.hpp"

#include <algorithm>

namespace trellis::engine {
namespace {

constexpr std::int64_t kUnreachablePatience = 300;  // seconds a job waits for the ledger
constexpr std::int64_t kNotFoundPatience = 60;
constexpr std::int64_t kDiffersPatience = 30;
constexpr std::chrono::seconds kAskAgain(5);

/// Names whose step of this job already has its result.
std::set<std::string> DoneNames(std::vector<store::StepRow> const& steps) {
  std::set<std::string> names;
  for (auto const& step : steps) {
    if (step.state == store::StepState::kDone) names.insert(step.name);
  }
  return names;
}

}  // namespace

Result<std::optional<JobEnd>> JobRunner::ValidateContract(Loaded& loaded) {
  if (loaded.deployment.validated || loaded.deployment.version != loaded.job.version)
    return std::optional<JobEnd>();
  auto const answer = CheckContract(context_.ledger, context_.options.node_id, loaded.job.key,
                                    loaded.deployment.hash);
  if (answer.verdict == ContractVerdict::kMatches) {
    loaded.deployment.validated = true;
    TRELLIS_CHECK(context_.writer.Commit(
        [&](store::Database& db) { return store::PutDeployment(db, loaded.deployment); }));
    return std::optional<JobEnd>();
  }
  auto patience = kDiffersPatience;
  if (answer.verdict == ContractVerdict::kUnreachable) patience = kUnreachablePatience;
  if (answer.verdict == ContractVerdict::kNotFound) patience = kNotFoundPatience;
  if (context_.clock.UnixSeconds() - loaded.job.created < patience)
    return std::optional<JobEnd>(JobEnd{kAskAgain, answer.text});
  TRELLIS_TRY(auto const target, grid::ParseDeployment(loaded.job.doc));
  TRELLIS_TRY(auto const plan, PlanApply(target, loaded.job, loaded.workloads, context_.plugins));
  TRELLIS_CHECK(Refuse(loaded, plan, target, answer.text));
  TRELLIS_TRY(auto end, Finish(loaded.job.id));
  return std::optional<JobEnd>(std::move(end));
}

Result<JobEnd> JobRunner::Apply(Ticket const& ticket, Loaded loaded) {
  TRELLIS_TRY(auto const waiting, ValidateContract(loaded));
  if (waiting.has_value()) return *waiting;
  TRELLIS_TRY(auto const target, grid::ParseDeployment(loaded.job.doc));
  TRELLIS_TRY(auto plan, PlanApply(target, loaded.job, loaded.workloads, context_.plugins));
  if (loaded.steps.empty()) {
    TRELLIS_TRY(bool const accepted, Preflight(loaded, plan, target));
    if (!accepted) return Finish(ticket.job);
  }
  auto const done = DoneNames(loaded.steps);
  std::erase_if(plan.changes, [&](auto const& step) { return done.contains(step.row.name); });
  TRELLIS_CHECK(RunRemoves(ticket, loaded, plan.removes));
  TRELLIS_CHECK(RunChanges(ticket, loaded, std::move(plan.changes)));
  if (ticket.cancel->cancelled()) return JobEnd{std::chrono::seconds(0), "interrupted"};
  return Finish(ticket.job);
}

Result<bool> JobRunner::Preflight(Loaded& loaded, Plan const& plan,
                                  grid::Deployment const& target) {
  bool const first = std::none_of(loaded.workloads.begin(), loaded.workloads.end(),
                                  [](auto const& row) { return row.state != "init"; });
  for (auto const& step : plan.changes) {
    auto const answer = context_.plugins.Precheck(step.op, MakeRequest(step.row, {}));
    if (Classify(answer.status) != StatusClass::kPermanent &&
        Classify(answer.status) != StatusClass::kUnchanged)
      continue;
    auto const text = grid::SplitReason(answer.error).sentence;
    if (first) {  // nothing runs yet: only this workload is refused, its dependents follow
      auto row = step.row;
      Break(context_, row, text, {});
      store::StepRow const done{loaded.job.id,
                                row.name,
                                static_cast<std::uint8_t>(step.op),
                                0,
                                store::StepState::kDone,
                                0,
                                context_.generation};
      TRELLIS_CHECK(Save(row, /*visible=*/true,
                         [&](store::Database& db) { return store::PutStep(db, done); }));
      loaded.steps.push_back(done);
      continue;
    }
    TRELLIS_CHECK(
        Refuse(loaded, plan, target, fmt::format("workload '{}': {}", step.row.name, text)));
    return false;
  }
  return true;
}

Result<void> JobRunner::Refuse(Loaded const& loaded, Plan const& plan, grid::Deployment target,
                               std::string const& text) {
  std::vector<store::WorkloadRow> shown;
  std::vector<std::pair<bool, store::WorkloadRow>>
      entries;  // is an update, row as the history shows it
  for (auto const& step : plan.changes) {
    auto row = step.row;
    Break(context_, row, text, {});
    bool const update = step.op == plugin::Op::kUpdate;
    if (update) row.state = "unchanged";
    entries.emplace_back(update, std::move(row));
  }
  for (auto& workload : target.workloads) {
    auto const stored = std::find_if(loaded.workloads.begin(), loaded.workloads.end(),
                                     [&](auto const& row) { return row.name == workload.name; });
    auto const refused = std::any_of(entries.begin(), entries.end(), [&](auto const& entry) {
      return entry.first && entry.second.name == workload.name;
    });
    if (!refused || stored == loaded.workloads.end()) continue;
    workload.version = stored->version;
    workload.data.text = stored->data;
    workload.metadata = stored->metadata;
    workload.description = stored->description;
  }
  TRELLIS_CHECK(context_.writer.Commit([&](store::Database& db) -> Result<void> {
    for (auto const& [update, row] : entries) {
      if (!update) TRELLIS_CHECK(store::PutWorkload(db, row));
      TRELLIS_CHECK(store::AddChange(db, row, WorkloadJson(row)));
    }
    TRELLIS_TRY(auto deployment, store::FindDeployment(db, loaded.job.key));
    if (!deployment.has_value() || deployment->version != loaded.job.version)
      return {};  // a newer document was accepted
    deployment->doc = grid::ToJson(target);
    deployment->message = text;
    return store::PutDeployment(db, *deployment);
  }));
  for (auto const& [update, row] : entries)
    Announce(context_, row, row.state);
  return {};
}

Result<void> JobRunner::RunRemoves(Ticket const& ticket, Loaded const& loaded,
                                   std::vector<PlannedStep> const& removes) {
  if (removes.empty()) return {};
  TRELLIS_CHECK(context_.writer.Commit([&](store::Database& db) -> Result<void> {
    std::uint32_t index = 0;
    for (auto const& step : removes) {
      TRELLIS_CHECK(
          store::PutStep(db, {loaded.job.id, step.row.name, static_cast<std::uint8_t>(step.op),
                              index++, store::StepState::kIntent, 0, context_.generation}));
    }
    return {};
  }));
  for (auto const& step : removes) {
    auto const done =
        Deprovision(ticket, step.row, "deleted by an update", [&](store::Database& db) {
          return store::PutStep(
              db, {loaded.job.id, step.row.name, static_cast<std::uint8_t>(step.op), 0,
                   store::StepState::kDone, 0, context_.generation});
        });
    if (done) continue;
    // The rest goes on; this one is retried by a job of its own until it is really gone.
    auto row = step.row;
    row.message = done.error().message;
    store::JobRow again;
    again.key = row.key;
    again.kind = store::JobKind::kRemove;
    again.target = row.name;
    again.reason = "deleted by an update";
    again.created = context_.clock.UnixSeconds();
    TRELLIS_CHECK(Save(row, /*visible=*/false, [&](store::Database& db) -> Result<void> {
      TRELLIS_TRY(again.id, store::AddJob(db, again));
      return store::PutStep(db, {loaded.job.id, row.name, static_cast<std::uint8_t>(step.op), 0,
                                 store::StepState::kDone, 0, context_.generation});
    }));
    Ticket follow;
    follow.job = again.id;
    follow.key = row.key;
    follow.kind = again.kind;
    follow.target = again.target;
    context_.scheduler.Add(std::move(follow));
  }
  return {};
}

}  // namespace trellis::engine
