// What a start of the daemon makes of the journal it finds.
#include "kernel/store/query.hpp"
#include "kernel/store/records.hpp"

namespace trellis::store {

Result<void> CountCrashes(Database& db, std::int64_t generation) {
  TRELLIS_CHECK(Run(db,
                    "UPDATE step SET crashes = crashes + 1 WHERE state = ?1 AND (job, idx) IN "
                    "(SELECT job, MIN(idx) FROM step WHERE state = ?1 AND generation = ?2 GROUP BY "
                    "job)",
                    StepState::kIntent, generation));
  return Run(db,
             "UPDATE job SET crashes = crashes + 1, error = '' WHERE started = ?1 AND NOT EXISTS "
             "(SELECT 1 FROM step WHERE job = job.id AND state = ?2 AND generation = ?1)",
             generation, StepState::kIntent);
}

Result<void> ReleaseQuarantine(Database& db) {
  TRELLIS_CHECK(Run(db,
                    "UPDATE job SET not_before = 0 WHERE id IN (SELECT job FROM step WHERE state = "
                    "?)",
                    StepState::kQuarantined));
  return Run(db, "UPDATE step SET state = ?, crashes = 0 WHERE state = ?", StepState::kWaiting,
             StepState::kQuarantined);
}

Result<void> AddRestores(Database& db, std::int64_t now) {
  TRELLIS_CHECK(Run(db, "DELETE FROM job WHERE kind = ?", JobKind::kRestore));
  return Run(db,
             "INSERT INTO job (twin, contract, kind, version, created) SELECT twin, contract, ?, "
             "version, ? FROM deployment d WHERE desired <> 'absent' AND EXISTS (SELECT 1 FROM "
             "workload w WHERE w.twin = d.twin AND w.contract = d.contract AND (state IN ('ok', "
             "'paused') OR (state = 'error' AND eff_version IS NOT NULL))) ORDER BY contract",
             JobKind::kRestore, now);
}

}  // namespace trellis::store
