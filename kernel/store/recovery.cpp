// What a start of the daemon makes of the journals it finds.
#include "kernel/store/listings.hpp"
#include "kernel/store/query.hpp"
#include "kernel/store/workload_set.hpp"

#include <algorithm>

namespace trellis::store {
namespace {

constexpr std::size_t kPage = 256;  // deployments

struct Begun {
  std::int64_t job = 0;
  DeploymentKey key;
  std::int64_t started = 0;
};

Begun ReadBegun(Statement const& s) {
  return {s.Int(0), {static_cast<std::uint32_t>(s.Uint(1)), s.Uint(2)}, s.Int(3)};
}

}  // namespace

Result<void> CountCrashes(Database& db, std::int64_t generation) {
  TRELLIS_TRY(auto const begun, All(db,
                                    "SELECT id, twin, contract, started FROM job WHERE steps <> "
                                    "'[]' OR started = ?",
                                    ReadBegun, generation));
  for (auto const& job : begun) {
    TRELLIS_TRY(auto steps, ListSteps(db, job.job));
    auto const open = std::ranges::find_if(steps, [&](auto const& step) {
      return step.state == StepState::kIntent && step.generation == generation;
    });
    if (open != steps.end()) {
      ++open->crashes;
      TRELLIS_CHECK(SetSteps(db, job.job, steps));
    } else if (job.started == generation) {
      TRELLIS_CHECK(
          Run(db, "UPDATE job SET crashes = crashes + 1, error = '' WHERE id = ?", job.job));
    }
  }
  return {};
}

Result<void> ReleaseQuarantine(Database& db) {
  TRELLIS_TRY(
      auto const begun,
      All(db, "SELECT id, twin, contract, started FROM job WHERE steps <> '[]'", ReadBegun));
  for (auto const& job : begun) {
    TRELLIS_TRY(auto steps, ListSteps(db, job.job));
    bool any = false;
    for (auto& step : steps) {
      if (step.state != StepState::kQuarantined) continue;
      step.state = StepState::kWaiting;
      step.crashes = 0;
      any = true;
    }
    if (!any) continue;
    TRELLIS_CHECK(SetSteps(db, job.job, steps));
    TRELLIS_CHECK(Run(db, "UPDATE job SET not_before = 0 WHERE id = ?", job.job));
  }
  return {};
}

Result<void> AddRestores(Database& db, std::int64_t now) {
  TRELLIS_TRY(auto const begun, All(db,
                                    "SELECT id, twin, contract, started FROM job WHERE kind = ? "
                                    "AND steps <> '[]'",
                                    ReadBegun, JobKind::kRestore));
  for (auto const& job : begun) {
    TRELLIS_TRY(auto const steps, ListSteps(db, job.job));
    WorkloadSet workloads(job.key);
    TRELLIS_CHECK(workloads.Load(db));
    for (auto const& step : steps) {
      if (step.holds && step.IsOpen()) workloads.MarkOwned(step.name);
    }
    TRELLIS_CHECK(workloads.Save(db));
  }
  TRELLIS_CHECK(Run(db, "DELETE FROM job WHERE kind = ?", JobKind::kRestore));
  DeploymentKey after;
  for (;;) {
    TRELLIS_TRY(auto const page, ListWorkloadsAfter(db, after, kPage));
    DeploymentKey last;  // every contract is above zero
    for (auto const& row : page.rows) {
      bool const wanted = row.IsOkay() || (row.state == "error" && row.eff_version.has_value());
      if (!wanted || row.key == last) continue;
      last = row.key;
      TRELLIS_CHECK(Run(db,
                        "INSERT INTO job (twin, contract, kind, version, created) SELECT twin, "
                        "contract, ?, version, ? FROM deployment WHERE twin = ? AND contract = ? "
                        "AND desired <> 'absent'",
                        JobKind::kRestore, now, last.twin, last.contract));
    }
    if (!page.more) return {};
    after = page.last;
  }
}

}  // namespace trellis::store
