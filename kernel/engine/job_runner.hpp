// Runs one job: plan, intent, call, result. Everything it does survives a kill at any point.
#pragma once

#include "kernel/engine/context.hpp"
#include "kernel/engine/plan.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace trellis::engine {

/// What is left of a job after a run.
struct JobEnd {
  std::optional<std::chrono::seconds> retry_after;  ///< empty: the job's row is gone
  std::string error;                                ///< why it is parked
};

/// One per worker thread; borrows the context.
class JobRunner {
 public:
  explicit JobRunner(Context const& context) : context_(context) {}

  /// Runs the ticket's job to its end or parks it. The scheduler holds the deployment's lock.
  Result<JobEnd> Run(Ticket const& ticket);

 private:
  struct Loaded {
    store::JobRow job;
    store::DeploymentRow deployment;
    std::vector<store::WorkloadRow> workloads;
    std::vector<store::StepRow> steps;
  };
  Result<std::optional<Loaded>> Load(Ticket const& ticket);
  Result<JobEnd> Finish(std::int64_t job);

  // apply
  Result<JobEnd> Apply(Ticket const& ticket, Loaded loaded);
  Result<std::optional<JobEnd>> ValidateContract(Loaded& loaded);
  Result<bool> Preflight(Loaded& loaded, Plan const& plan, grid::Deployment const& target);
  Result<void> Refuse(Loaded const& loaded, Plan const& plan, grid::Deployment target,
                      std::string const& text);
  Result<void> RunRemoves(Ticket const& ticket, Loaded const& loaded,
                          std::vector<PlannedStep> const& removes);
  Result<void> RunChanges(Ticket const& ticket, Loaded const& loaded,
                          std::vector<PlannedStep> changes);
  Result<std::vector<PlannedStep>> WriteIntents(Loaded const& loaded,
                                                std::vector<PlannedStep> changes);
  Result<void> RunChange(Ticket const& ticket, Loaded const& loaded, PlannedStep const& step);
  Result<std::string> BrokenDependency(PlannedStep const& step);
  store::WorkloadRow Provision(Ticket const& ticket, PlannedStep const& step, bool paused,
                               bool retry);
  std::optional<store::WorkloadRow> Update(Ticket const& ticket, PlannedStep const& step,
                                           bool paused, bool retry, std::string& refused);
  std::optional<store::WorkloadRow> AfterFailedUpdate(PlannedStep const& step,
                                                      plugin::OpAnswer answer,
                                                      std::string& refused);

  // the other kinds
  Result<JobEnd> Remove(Ticket const& ticket, Loaded const& loaded);
  Result<JobEnd> RemoveOne(Ticket const& ticket, Loaded const& loaded);
  Result<JobEnd> PauseOrResume(Ticket const& ticket, Loaded loaded);
  Result<JobEnd> Restore(Ticket const& ticket, Loaded loaded);
  Result<JobEnd> Repair(Ticket const& ticket, Loaded const& loaded);
  Result<JobEnd> FailWorkload(Ticket const& ticket, Loaded const& loaded);

  /// Deprovisions and erases the row in one commit with `extra`; the plugin's error otherwise.
  Result<void> Deprovision(Ticket const& ticket, store::WorkloadRow row, std::string const& reason,
                           std::function<Result<void>(store::Database&)> extra);
  /// Stores the row with a history entry (if the visible state changed) and whatever `extra` adds,
  /// then announces it.
  Result<void> Save(store::WorkloadRow const& row, bool visible,
                    std::function<Result<void>(store::Database&)> extra);
  /// Removes what a failed first provision may have left; `row.owned` stays set when that fails
  /// too.
  void CleanUp(store::WorkloadRow& row);

  Context const& context_;
};

}  // namespace trellis::engine
