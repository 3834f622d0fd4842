// Reading and writing the rows of the node's store. Every function works on the connection it is
// given: inside a Writer's transaction to write, on a reader to read.
#pragma once

#include "kernel/store/database.hpp"
#include "kernel/store/rows.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::store {

// ---- deployments ----
Result<std::optional<DeploymentRow>> FindDeployment(Database& db, DeploymentKey key);
/// The last accepted document. A deployment that was not updated yet has none of its own: it says
/// the same as its header and its workloads.
Result<std::string> ReadDocument(Database& db, DeploymentRow const& row);
Result<std::optional<DeploymentHead>> FindHead(Database& db, DeploymentKey key);
/// By contract.
Result<std::vector<DeploymentRow>> ListDeployments(Database& db, std::optional<std::uint32_t> twin);
Result<std::vector<DeploymentHead>> ListHeads(Database& db, std::optional<std::uint32_t> twin);
/// Inserts, or updates everything but `created`.
Result<void> PutDeployment(Database& db, DeploymentRow const& row);
Result<void> SetDesired(Database& db, DeploymentKey key, Desired desired);
Result<void> SetMessage(Database& db, DeploymentKey key, std::string_view message);
/// Unless a document after `version` was accepted.
Result<void> SetDocument(Database& db, DeploymentKey key, std::uint32_t version,
                         std::string_view doc);
/// The document of `version` was compared with its contract.
Result<void> SetValidated(Database& db, DeploymentKey key, std::uint32_t version);
/// Stored deployments of a twin and of all.
Result<DeploymentCounts> CountDeployments(Database& db, std::uint32_t twin);
Result<Totals> ReadTotals(Database& db);

// ---- workloads: read here, changed by a WorkloadSet ----
/// In document order.
Result<std::vector<WorkloadRow>> ListWorkloads(Database& db, DeploymentKey key);
Result<std::optional<WorkloadRow>> FindWorkload(Database& db, DeploymentKey key,
                                                std::string_view name);
/// Name and type.
Result<std::vector<std::pair<std::string, std::string>>> ListNames(Database& db, DeploymentKey key);
/// Workloads of a type in the active deployments (those with a workload that is not in error) of a
/// twin; twin 0: of all.
Result<std::vector<WorkloadRow>> ListActiveByType(Database& db, std::uint32_t twin,
                                                  std::string_view type);

// ---- sharable names ----
/// The contract that has the name.
Result<std::optional<std::uint64_t>> FindShared(Database& db, std::uint32_t twin,
                                                std::string_view name);
/// `version`: of the document that has the name.
Result<void> PutShared(Database& db, DeploymentKey key, std::string_view name,
                       std::string_view type, std::uint32_t version);
/// Unless a document after `version` has the name again.
Result<void> EraseShared(Database& db, DeploymentKey key, std::string_view name,
                         std::uint32_t version);
/// The sharable names of a deployment.
Result<std::vector<std::string>> ListShared(Database& db, DeploymentKey key);
Result<void> PutUse(Database& db, DeploymentKey key, std::string_view name,
                    std::string_view shared_name);
/// Names of sharables that the deployment's workloads refer to.
Result<std::vector<std::string>> ListUses(Database& db, DeploymentKey key);
Result<void> EraseUses(Database& db, DeploymentKey key, std::string_view name);
/// Does another deployment of the twin, which is being removed, still use the name?
Result<bool> UsedByLeaving(Database& db, DeploymentKey key, std::string_view name);

// ---- history ----
/// Oldest first: the workload as each entry shows it.
Result<std::vector<WorkloadRow>> ListChanges(Database& db, DeploymentKey key);

// ---- jobs and steps ----
Result<std::int64_t> AddJob(Database& db, JobRow const& row);
/// With the document also when it is the deployment's.
Result<std::optional<JobRow>> FindJob(Database& db, std::int64_t id);
/// As stored, by id.
Result<std::vector<JobRow>> ListJobs(Database& db, std::optional<DeploymentKey> key);
/// All of them, without their documents, by id.
Result<std::vector<JobRow>> ListQueue(Database& db);
/// attempts, crashes, not_before, started, error.
Result<void> UpdateJob(Database& db, JobRow const& row);
Result<void> EraseJob(Database& db, std::int64_t id);
/// The job that makes another one of this kind and target needless: for pause and resume the newest
/// of both if it is of the kind, for the others any.
Result<std::optional<std::int64_t>> FindEqualJob(Database& db, DeploymentKey key, JobKind kind,
                                                 std::string_view target);
/// Before the deployment's document changes: queued jobs that rely on it get their own copy.
Result<void> KeepDocument(Database& db, DeploymentKey key, std::string_view doc);
/// Deletes the queued jobs of a deployment that have no step yet; those with steps stay.
Result<std::vector<std::int64_t>> EraseUnstartedJobs(Database& db, DeploymentKey key,
                                                     std::int64_t except);
/// The whole journal of a job.
Result<void> SetSteps(Database& db, std::int64_t job, std::span<StepRow const> steps);
/// By idx.
Result<std::vector<StepRow>> ListSteps(Database& db, std::int64_t job);
/// Workloads for which a plugin may hold something by a step that has no result yet.
Result<std::set<std::string, std::less<>>> ListHeld(Database& db, DeploymentKey key);

// ---- restart ----
/// The daemon of this generation died: counts that for the lowest open step of each job it ran, and
/// for jobs that it had begun but that have no open step.
Result<void> CountCrashes(Database& db, std::int64_t generation);
/// Steps that crashed too often get another try at once.
Result<void> ReleaseQuarantine(Database& db);
/// A restore job for every deployment that should be there and has anything to bring back, in the
/// order of contracts; those of an earlier boot go.
Result<void> AddRestores(Database& db, std::int64_t now);

// ---- capacity ----
Result<void> PutReservation(Database& db, DeploymentKey key, std::string_view name,
                            Capacity const& capacity);
Result<void> EraseReservation(Database& db, DeploymentKey key, std::string_view name);
Result<std::optional<Capacity>> FindReservation(Database& db, DeploymentKey key,
                                                std::string_view name);
Result<Capacity> SumReservations(Database& db);

}  // namespace trellis::store
