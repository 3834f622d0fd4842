// Adds and updates of an `apply` job: intents first, then one plugin call per workload, then its
// result.
#include "kernel/engine/capacity.hpp"
#include "kernel/engine/effects.hpp"
#include "kernel/engine/job_runner.hpp"
#include "kernel/engine/view.hpp"

#include <algorithm>

namespace trellis::engine {

Result<std::vector<PlannedStep>> JobRunner::WriteIntents(Loaded const& loaded,
                                                         std::vector<PlannedStep> changes) {
  auto const node = MeasureCapacity(context_);
  std::map<std::string, store::StepRow> open;
  for (auto const& step : loaded.steps)
    open.emplace(step.name, step);
  std::vector<store::WorkloadRow> full;
  std::vector<PlannedStep> runnable;
  TRELLIS_CHECK(context_.writer.Commit([&](store::Database& db) -> Result<void> {
    std::uint32_t index = 0;
    for (auto& step : changes) {
      TRELLIS_TRY(auto stored, store::FindWorkload(db, step.row.key, step.row.name));
      if (!stored.has_value()) {
        stored = step.row;
        stored->state = "init";
        stored->created = context_.clock.UnixSeconds();
        TRELLIS_CHECK(store::PutWorkload(db, *stored));
        TRELLIS_CHECK(store::AddChange(db, *stored, WorkloadJson(*stored)));
      }
      if (auto const reserved = Reserve(context_, db, node, step.row, step.capacity); !reserved) {
        if (reserved.error().code != Code::kExhausted) return reserved;
        auto row = step.row;
        Break(context_, row, reserved.error().message, {});
        if (step.op == plugin::Op::kUpdate) row.state = "unchanged";
        if (step.op == plugin::Op::kProvision) TRELLIS_CHECK(store::PutWorkload(db, row));
        TRELLIS_CHECK(store::AddChange(db, row, WorkloadJson(row)));
        TRELLIS_CHECK(
            store::PutStep(db, {loaded.job.id, row.name, static_cast<std::uint8_t>(step.op),
                                index++, store::StepState::kDone, 0, context_.generation}));
        full.push_back(std::move(row));
        continue;
      }
      stored->owned = true;
      step.row.owned = true;
      TRELLIS_CHECK(store::PutWorkload(db, *stored));
      auto const before = open.find(step.row.name);
      std::uint32_t const crashes = before == open.end() ? 0 : before->second.crashes;
      TRELLIS_CHECK(
          store::PutStep(db, {loaded.job.id, step.row.name, static_cast<std::uint8_t>(step.op),
                              index++, store::StepState::kIntent, crashes, context_.generation}));
      runnable.push_back(std::move(step));
    }
    return {};
  }));
  for (auto const& row : full)
    Announce(context_, row, row.state);
  return runnable;
}

Result<void> JobRunner::RunChanges(Ticket const& ticket, Loaded const& loaded,
                                   std::vector<PlannedStep> changes) {
  if (changes.empty()) return {};
  TRELLIS_TRY(auto const steps, WriteIntents(loaded, std::move(changes)));
  for (auto const& step : steps) {
    if (ticket.cancel->cancelled()) return {};
    TRELLIS_CHECK(RunChange(ticket, loaded, step));
  }
  return {};
}

Result<void> JobRunner::RunChange(Ticket const& ticket, Loaded const& loaded,
                                  PlannedStep const& step) {
  auto const before = std::find_if(loaded.steps.begin(), loaded.steps.end(),
                                   [&](auto const& s) { return s.name == step.row.name; });
  bool const retry = before != loaded.steps.end();
  bool const paused = loaded.deployment.desired == store::Desired::kPaused;
  std::string refused;  // an update was refused: the old configuration stays shown
  std::optional<store::WorkloadRow> row;
  TRELLIS_TRY(auto const broken, BrokenDependency(step));
  if (!broken.empty()) {
    row = step.row;
    Break(context_, *row, fmt::format("dependency '{}' is not ok", broken), {});
    if (!row->eff_version.has_value() && !retry) row->owned = false;
  } else if (retry && before->crashes >= context_.options.crash_limit) {
    row = step.row;
    Break(context_, *row, fmt::format("operation crashed the node {} times", before->crashes), {});
  } else if (step.op == plugin::Op::kProvision) {
    row = Provision(ticket, step, paused, retry);
  } else {
    row = Update(ticket, step, paused, retry, refused);
  }
  if (ticket.cancel->cancelled() && (!row.has_value() || !row->IsOkay()))
    return {};  // the intent stays: run again or removed
  store::StepRow const done{loaded.job.id,
                            step.row.name,
                            static_cast<std::uint8_t>(step.op),
                            0,
                            store::StepState::kDone,
                            0,
                            context_.generation};
  if (row.has_value()) {
    return Save(*row, /*visible=*/true, [&](store::Database& db) -> Result<void> {
      if (!row->owned) TRELLIS_CHECK(store::EraseReservation(db, row->key, row->name));
      return store::PutStep(db, done);
    });
  }
  auto entry = step.row;
  Break(context_, entry, refused, entry.result);
  entry.state = "unchanged";
  TRELLIS_CHECK(context_.writer.Commit([&](store::Database& db) -> Result<void> {
    TRELLIS_CHECK(store::AddChange(db, entry, WorkloadJson(entry)));
    return store::PutStep(db, done);
  }));
  Announce(context_, entry, "unchanged");
  return {};
}

Result<std::string> JobRunner::BrokenDependency(PlannedStep const& step) {
  if (step.dependencies.empty()) return std::string();
  return context_.readers.Run([&](store::Database& db) -> Result<std::string> {
    for (auto const& name : step.dependencies) {
      TRELLIS_TRY(auto const row, store::FindWorkload(db, step.row.key, name));
      if (row.has_value() && !row->IsOkay()) return name;
    }
    return std::string();
  });
}

store::WorkloadRow JobRunner::Provision(Ticket const& ticket, PlannedStep const& step, bool paused,
                                        bool retry) {
  auto row = step.row;
  EffectFlags flags;
  flags.paused = paused;
  flags.retry = retry;
  auto answer = ProvisionPatiently(context_, row, flags, ticket.cancel);
  if (Classify(answer.status) == StatusClass::kOk) {
    Succeed(context_, row, std::move(answer), paused);
    return row;
  }
  Break(context_, row, answer.error, answer.result);
  if (!row.eff_version.has_value()) CleanUp(row);
  return row;
}

std::optional<store::WorkloadRow> JobRunner::Update(Ticket const& ticket, PlannedStep const& step,
                                                    bool paused, bool retry, std::string& refused) {
  auto row = step.row;
  EffectFlags flags;
  flags.paused = paused;
  flags.retry = retry;
  auto const type = context_.plugins.Type(row.type);
  bool const in_error = row.state == "error";
  if (in_error) {
    auto const seen = context_.plugins.Inspect(MakeRequest(row, flags));
    bool const there =
        seen && (seen->state == TRL_OBSERVED_RUNNING || seen->state == TRL_OBSERVED_PAUSED ||
                 seen->state == TRL_OBSERVED_DRIFTED);
    if (!there || !type.has_value() || !type->updatable) {
      CleanUp(row);
      row.owned = true;
      row.eff_data.clear();
      row.eff_version.reset();
      PlannedStep anew = step;
      anew.row = std::move(row);
      return Provision(ticket, anew, paused, retry);
    }
  }
  auto answer = context_.plugins.Run(plugin::Op::kUpdate, MakeRequest(row, flags), ticket.cancel);
  if (Classify(answer.status) == StatusClass::kOk) {
    Succeed(context_, row, std::move(answer), paused);
    return row;
  }
  if (answer.status == TRL_UNCHANGED) {
    refused = answer.error;
    return std::nullopt;
  }
  return AfterFailedUpdate(step, std::move(answer), refused);
}

std::optional<store::WorkloadRow> JobRunner::AfterFailedUpdate(PlannedStep const& step,
                                                               plugin::OpAnswer answer,
                                                               std::string& refused) {
  auto old = MakeRequest(step.row, {});
  old.data = step.row.eff_data;
  auto const seen = context_.plugins.Inspect(old);
  if (seen && (seen->state == TRL_OBSERVED_RUNNING || seen->state == TRL_OBSERVED_PAUSED)) {
    refused = answer.error;  // the old configuration still works
    return std::nullopt;
  }
  auto row = step.row;
  Break(context_, row, answer.error, answer.result);
  row.next_try = context_.clock.UnixSeconds() + 10;
  row.fails = 1;
  return row;
}

}  // namespace trellis::engine
