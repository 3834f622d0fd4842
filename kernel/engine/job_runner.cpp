// What all kinds of jobs share: loading, saving, deprovisioning. The kinds are in job_apply.cpp,
// job_changes.cpp and job_upkeep.cpp.
#include "kernel/engine/job_runner.hpp"

#include "kernel/engine/effects.hpp"
#include "kernel/engine/view.hpp"

namespace trellis::engine {

Result<std::optional<JobRunner::Loaded>> JobRunner::Load(Ticket const& ticket) {
  return context_.readers.Run([&](store::Database& db) -> Result<std::optional<Loaded>> {
    TRELLIS_TRY(auto const jobs, store::ListJobs(db, ticket.key));
    TRELLIS_TRY(auto deployment, store::FindDeployment(db, ticket.key));
    for (auto const& job : jobs) {
      if (job.id != ticket.job || !deployment.has_value()) continue;
      Loaded loaded;
      loaded.job = job;
      loaded.deployment = *std::move(deployment);
      TRELLIS_TRY(loaded.workloads, store::ListWorkloads(db, ticket.key));
      TRELLIS_TRY(loaded.steps, store::ListSteps(db, job.id));
      return std::optional<Loaded>(std::move(loaded));
    }
    return std::optional<Loaded>();
  });
}

Result<JobEnd> JobRunner::Run(Ticket const& ticket) {
  TRELLIS_TRY(auto loaded, Load(ticket));
  if (!loaded.has_value()) return JobEnd{};  // removed with its deployment
  bool const leaving = loaded->deployment.desired == store::Desired::kAbsent;
  if (leaving && ticket.kind != store::JobKind::kRemove) return Finish(ticket.job);
  switch (ticket.kind) {
    case store::JobKind::kApply:
      return Apply(ticket, *std::move(loaded));
    case store::JobKind::kRemove:
      return loaded->job.target.empty() ? Remove(ticket, *loaded) : RemoveOne(ticket, *loaded);
    case store::JobKind::kPause:
    case store::JobKind::kResume:
      return PauseOrResume(ticket, *std::move(loaded));
    case store::JobKind::kRestore:
      return Restore(ticket, *std::move(loaded));
    case store::JobKind::kRepair:
      return Repair(ticket, *loaded);
    case store::JobKind::kFail:
      return FailWorkload(ticket, *loaded);
  }
  return Fail(Code::kInternal, "job {} has an unknown kind", ticket.job);
}

Result<JobEnd> JobRunner::Finish(std::int64_t job) {
  TRELLIS_CHECK(
      context_.writer.Commit([job](store::Database& db) { return store::EraseJob(db, job); }));
  return JobEnd{};
}

Result<void> JobRunner::Save(store::WorkloadRow const& row, bool visible,
                             std::function<Result<void>(store::Database&)> extra) {
  TRELLIS_CHECK(context_.writer.Commit([&](store::Database& db) -> Result<void> {
    TRELLIS_CHECK(store::PutWorkload(db, row));
    if (visible) TRELLIS_CHECK(store::AddChange(db, row, WorkloadJson(row)));
    return extra ? extra(db) : Result<void>();
  }));
  if (visible) Announce(context_, row, row.state);
  return {};
}

Result<void> JobRunner::Deprovision(Ticket const& ticket, store::WorkloadRow row,
                                    std::string const& reason,
                                    std::function<Result<void>(store::Database&)> extra) {
  if (row.owned) {
    auto const answer =
        context_.plugins.Run(plugin::Op::kDeprovision, MakeRequest(row, {}), ticket.cancel);
    if (Classify(answer.status) != StatusClass::kOk &&
        Classify(answer.status) != StatusClass::kMissing) {
      return tl::unexpected<Error>(Error{static_cast<Code>(answer.status), answer.error});
    }
  }
  row.created = ChangeTime(context_, row);
  row.state = "deleted";
  row.message = reason;
  TRELLIS_CHECK(context_.writer.Commit([&](store::Database& db) -> Result<void> {
    TRELLIS_CHECK(store::AddChange(db, row, WorkloadJson(row)));
    TRELLIS_CHECK(store::EraseWorkload(db, row.key, row.name));
    TRELLIS_CHECK(store::EraseShared(db, row.key, row.name, UINT32_MAX));
    return extra ? extra(db) : Result<void>();
  }));
  Announce(context_, row, "deleted");
  return {};
}

void JobRunner::CleanUp(store::WorkloadRow& row) {
  auto const cancel = plugin::CancelToken::Make();  // a cancelled job must still clean up
  auto const answer = context_.plugins.Run(plugin::Op::kDeprovision, MakeRequest(row, {}), cancel);
  auto const status = Classify(answer.status);
  if (status == StatusClass::kOk || status == StatusClass::kMissing) row.owned = false;
}

}  // namespace trellis::engine
