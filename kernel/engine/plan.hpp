// What a job has to do, made at run time from the stored rows and the job's own document.
#pragma once

#include "kernel/engine/type_table.hpp"
#include "kernel/grid/deployment.hpp"
#include "kernel/grid/examiner.hpp"
#include "kernel/plugin/types.hpp"
#include "kernel/store/rows.hpp"

#include <trellis/result.hpp>

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace trellis::engine {

/// Why a plugin is called.
enum class Action : std::uint8_t {
  kAdd,
  kUpdate,
  kRemove,
  kTearDown,  ///< a monitor gave it up: it stays, in error
  kPause,
  kResume,
  kRestore,
  kRepair
};

/// One operation on one workload. `row` is the wanted row for adds and updates (not stored yet),
/// the stored one for the rest.
struct PlannedStep {
  plugin::Op op = plugin::Op::kProvision;
  store::WorkloadRow row;
  Capacity capacity;                      ///< adds and updates
  std::vector<std::string> dependencies;  ///< names of workloads that must be okay first
  Action action = Action::kAdd;
  store::StepRow journal;          ///< its journal entry
  bool reopened = false;           ///< an earlier try did not come to its end
  std::optional<Capacity> held{};  ///< what was reserved before the intent
  bool settled = false;            ///< its result was stored with the intents
  bool condemned = false;          ///< it crashed too often: its plugin is not called
};

struct Plan {
  std::vector<PlannedStep> removes;  ///< reverse order
  std::vector<PlannedStep> changes;  ///< adds and updates, in order
  /// Kept workloads that stand elsewhere in the document now.
  std::vector<std::pair<std::string, std::uint32_t>> moves;
};

/// Sorts rows for provisioning: type order, then descending weight, then document position. Unknown
/// types come last.
void SortForProvision(std::vector<store::WorkloadRow>& rows, TypeMap const& types);

/// The plan of an `apply` job. `examined`: one per workload of `target`.
[[nodiscard]] Plan PlanApply(grid::Deployment const& target,
                             std::span<grid::Examined const> examined, store::JobRow const& job,
                             std::vector<store::WorkloadRow> const& rows, TypeMap const& types);
/// The same for a document that was not examined yet.
Result<Plan> PlanApply(grid::Deployment const& target, store::JobRow const& job,
                       std::vector<store::WorkloadRow> const& rows, plugin::Plugins& plugins);

/// What the pure halves say about a stored document; a plugin that is away must not stop a job.
[[nodiscard]] std::vector<grid::Examined> ExamineAll(grid::Deployment const& target,
                                                     plugin::Plugins& plugins);

}  // namespace trellis::engine
