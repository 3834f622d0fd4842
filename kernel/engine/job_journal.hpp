// What a job writes: intents before effects, results after them. Everything here runs inside the
// writer's transaction.
#pragma once

#include "kernel/engine/capacity.hpp"
#include "kernel/engine/job_state.hpp"
#include "kernel/store/workload_set.hpp"

#include <span>
#include <vector>

namespace trellis::engine {

/// What one of the writer's works has open: the database, and the deployment's workloads in it.
struct Sheet {
  store::Database& db;
  store::WorkloadSet& workloads;  ///< loaded by who needs them, saved by who made the sheet
};

/// Do the intents of `steps` reserve anything?
[[nodiscard]] bool ReserveAnything(std::vector<PlannedStep> const& steps);

/// The intents of `steps`, with their reservations; steps that do not fit get their result at once
/// and are `settled`. Adds are stored and get their `init` entry. `node`: if they reserve anything.
Result<void> WriteIntents(Context const& context, Sheet& sheet, JobState& state,
                          std::vector<PlannedStep>& steps, NodeCapacity const& node);

/// A step's result on its way to the store.
struct StepResult {
  PlannedStep const* step;
  Outcome outcome;
};

/// The results of steps: workload, history, reservation and follow-up job (which gets its id) of
/// each, and the journal. Where the job goes in the same commit its journal needs no writing.
enum class JournalNote : std::uint8_t { kWrite, kOmit };
Result<void> WriteResults(Context const& context, Sheet& sheet, JobState& state,
                          std::span<StepResult> results, JournalNote note = JournalNote::kWrite);

/// The end of a run: the job's row goes, or says when it comes again.
Result<void> WriteEnd(Context const& context, Sheet& sheet, JobState const& state,
                      JobEnd const& end);

}  // namespace trellis::engine
