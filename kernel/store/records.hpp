// Rows of the node's store, and reading and writing them. Every function works on the connection it
// is given: inside a Writer's transaction to write, on a reader to read. Times are unix seconds.
#pragma once

#include "kernel/store/database.hpp"

#include <trellis/capacity.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::store {

struct DeploymentKey {
  std::uint32_t twin = 0;
  std::uint64_t contract = 0;
  auto operator<=>(DeploymentKey const&) const = default;
};

enum class Desired : std::uint8_t { kPresent, kPaused, kAbsent };

struct DeploymentRow {
  DeploymentKey key;
  std::uint32_t version = 0;
  std::string hash;  ///< hex of the challenge hash of `doc`
  std::string doc;   ///< last accepted document, raw
  Desired desired = Desired::kPresent;
  bool validated = false;  ///< compared with its contract
  std::int64_t created = 0;
  std::int64_t updated = 0;
  std::string message;  ///< last job-level failure
};

struct WorkloadRow {
  DeploymentKey key;
  std::string name;
  std::string type;
  std::uint32_t pos = 0;  ///< document order
  std::uint32_t version = 0;
  std::string data;  ///< raw JSON, as shown
  std::string description;
  std::string metadata;
  std::string state;    ///< wire value: init, ok, error, deleted, paused
  std::string message;  ///< of the state
  std::int64_t created = 0;
  std::string result;                        ///< result JSON, "" = null
  std::optional<std::uint32_t> eff_version;  ///< empty = never applied
  std::string eff_data;                      ///< configuration really applied
  std::string handle;
  std::uint32_t handle_schema = 0;
  bool owned = false;  ///< a plugin may hold something: first intent .. successful deprovision
  std::uint32_t fails = 0;
  std::int64_t next_try = 0;

  [[nodiscard]] std::string id() const {
    return fmt::format("{}-{}-{}", key.twin, key.contract, name);
  }
  [[nodiscard]] bool IsOkay() const { return state == "ok" || state == "paused"; }
};

/// The numbers are stored: never renumber.
enum class JobKind : std::uint8_t {
  kApply = 1,
  kRemove = 2,
  kPause = 3,
  kResume = 4,
  kRestore = 5,
  kRepair = 6,
  kFail = 7
};
[[nodiscard]] std::string_view ToText(JobKind kind);

struct JobRow {
  std::int64_t id = 0;
  DeploymentKey key;
  JobKind kind = JobKind::kApply;
  std::uint32_t version = 0;
  std::string doc;     ///< apply: the accepted document
  std::string target;  ///< repair, fail: name of the workload
  std::string reason;
  std::uint32_t attempts = 0;
  std::int64_t not_before = 0;
  std::int64_t created = 0;
  std::string error;
};

enum class StepState : std::uint8_t { kIntent = 1, kDone = 2 };

struct StepRow {
  std::int64_t job = 0;
  std::string name;
  std::uint8_t op = 0;  ///< plugin::Op
  std::uint32_t idx = 0;
  StepState state = StepState::kIntent;
  std::uint32_t crashes = 0;
  std::int64_t generation = 0;  ///< daemon start that wrote the intent
};

// ---- deployments and workloads ----
Result<std::optional<DeploymentRow>> FindDeployment(Database& db, DeploymentKey key);
Result<std::vector<DeploymentRow>> ListDeployments(Database& db, std::optional<std::uint32_t> twin);
Result<void> PutDeployment(Database& db, DeploymentRow const& row);
/// Removes the row with everything that hangs on it (workloads, jobs, history) and leaves a
/// tombstone.
Result<void> EraseDeployment(Database& db, DeploymentKey key, std::int64_t now);
/// Counts the stored deployments of a twin and of all.
struct DeploymentCounts {
  std::int64_t twin = 0;
  std::int64_t all = 0;
};
Result<DeploymentCounts> CountDeployments(Database& db, std::uint32_t twin);

/// In document order.
Result<std::vector<WorkloadRow>> ListWorkloads(Database& db, DeploymentKey key);
Result<std::optional<WorkloadRow>> FindWorkload(Database& db, DeploymentKey key,
                                                std::string_view name);
Result<std::vector<WorkloadRow>> ListWorkloadsByType(Database& db, std::string_view type);
Result<std::vector<WorkloadRow>> ListAllWorkloads(Database& db);
Result<void> PutWorkload(Database& db, WorkloadRow const& row);
Result<void> EraseWorkload(Database& db, DeploymentKey key, std::string_view name);

// ---- sharable names ----
Result<std::optional<std::uint64_t>> FindShared(Database& db, std::uint32_t twin,
                                                std::string_view name);
Result<void> PutShared(Database& db, DeploymentKey key, std::string_view name,
                       std::string_view type);
Result<void> EraseShared(Database& db, DeploymentKey key, std::string_view name);
Result<void> PutUse(Database& db, DeploymentKey key, std::string_view name,
                    std::string_view shared_name);
/// Names of sharables that the deployment's workloads refer to.
Result<std::vector<std::string>> ListUses(Database& db, DeploymentKey key);
Result<void> EraseUses(Database& db, DeploymentKey key, std::string_view name);

// ---- history ----
/// Appends an entry by the collapse rules: same name, version and state as the newest replaces it;
/// a second `ok` of a (name, version) removes the older one and everything of that version after
/// its `init`. `body` is workload JSON.
Result<void> AddChange(Database& db, WorkloadRow const& row, std::string_view body);
/// When an update was accepted: of an untouched workload keep only `init` and the newest entry of
/// its version.
Result<void> CompactChanges(Database& db, DeploymentKey key, std::string_view name,
                            std::uint32_t version);
/// Bodies, oldest first.
Result<std::vector<std::string>> ListChanges(Database& db, DeploymentKey key);

// ---- jobs and steps ----
Result<std::int64_t> AddJob(Database& db, JobRow const& row);
Result<std::vector<JobRow>> ListJobs(Database& db, std::optional<DeploymentKey> key);
Result<void> UpdateJob(Database& db, JobRow const& row);
Result<void> EraseJob(Database& db, std::int64_t id);
/// Deletes the queued jobs of a deployment that have no step yet; those with steps stay.
Result<std::vector<std::int64_t>> EraseUnstartedJobs(Database& db, DeploymentKey key,
                                                     std::int64_t except);
Result<void> PutStep(Database& db, StepRow const& row);
Result<std::vector<StepRow>> ListSteps(Database& db, std::int64_t job);

// ---- capacity ----
Result<void> PutReservation(Database& db, DeploymentKey key, std::string_view name,
                            Capacity const& capacity);
Result<void> EraseReservation(Database& db, DeploymentKey key, std::string_view name);
Result<std::optional<Capacity>> FindReservation(Database& db, DeploymentKey key,
                                                std::string_view name);
Result<Capacity> SumReservations(Database& db);

}  // namespace trellis::store
