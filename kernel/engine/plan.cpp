#include "kernel/engine/plan.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace trellis::engine {
namespace {

std::size_t PositionOf(TypeMap const& types, std::string const& type) {
  auto const found = types.find(type);
  return found == types.end() ? types.size() : found->second.position;
}

store::WorkloadRow WantedRow(grid::Workload const& workload, store::DeploymentKey key,
                             std::uint32_t pos, store::WorkloadRow const* stored) {
  store::WorkloadRow row = stored != nullptr ? *stored : store::WorkloadRow{};
  row.key = key;
  row.name = workload.name;
  row.type = workload.type;
  row.pos = pos;
  row.version = workload.version;
  row.data = workload.data.text;
  row.description = workload.description;
  row.metadata = workload.metadata;
  return row;
}

/// Where a row comes in the order of provisioning.
auto RankOf(TypeMap const& types, store::WorkloadRow const& row) {
  return std::tuple(PositionOf(types, row.type), -row.weight, row.pos);
}

/// All of one type: nothing to look up.
bool OneType(std::vector<store::WorkloadRow> const& rows) {
  return std::all_of(rows.begin(), rows.end(),
                     [&](auto const& row) { return row.type == rows.front().type; });
}

/// What to do with one workload of the document; empty = it stays as it is.
std::optional<Action> ActionFor(grid::Workload const& workload, std::uint32_t version,
                                store::WorkloadRow const* stored) {
  bool const current = workload.version == version;
  if (stored == nullptr || stored->state == "init") return Action::kAdd;
  if (current && !stored->eff_version.has_value()) return Action::kAdd;
  if (current) return Action::kUpdate;
  return std::nullopt;
}

PlannedStep RemovalOf(store::WorkloadRow row) {
  PlannedStep step;
  step.op = plugin::Op::kDeprovision;
  step.action = Action::kRemove;
  step.row = std::move(row);
  return step;
}

}  // namespace

void SortForProvision(std::vector<store::WorkloadRow>& rows, TypeMap const& types) {
  if (rows.size() < 2) return;
  if (OneType(rows)) {
    std::stable_sort(rows.begin(), rows.end(), [](auto const& a, auto const& b) {
      return std::pair(-a.weight, a.pos) < std::pair(-b.weight, b.pos);
    });
    return;
  }
  std::stable_sort(rows.begin(), rows.end(), [&](auto const& a, auto const& b) {
    return RankOf(types, a) < RankOf(types, b);
  });
}

Plan PlanApply(grid::Deployment const& target, std::span<grid::Examined const> examined,
               store::JobRow const& job, std::vector<store::WorkloadRow> const& rows,
               TypeMap const& types) {
  std::map<std::string_view, store::WorkloadRow const*> stored;
  for (auto const& row : rows)
    stored.emplace(row.name, &row);
  Plan plan;
  std::set<std::string_view> kept;
  for (std::uint32_t pos = 0; pos < target.workloads.size(); ++pos) {
    auto const& workload = target.workloads[pos];
    auto const found = stored.find(workload.name);
    // A name that comes back with another type: the old one goes, the new one is added.
    bool const same = found != stored.end() && found->second->type == workload.type;
    auto const* row = same ? found->second : nullptr;
    if (same) kept.insert(workload.name);
    // Also of what is updated: a refused update keeps the old row, at its new place.
    if (same && row->pos != pos) plan.moves.emplace_back(workload.name, pos);
    auto const action = ActionFor(workload, job.version, row);
    if (!action.has_value()) continue;
    PlannedStep step;
    step.action = *action;
    step.op = *action == Action::kUpdate ? plugin::Op::kUpdate : plugin::Op::kProvision;
    step.row = WantedRow(workload, job.key, pos, row);
    step.row.weight = examined[pos].weight;
    step.capacity = examined[pos].capacity;
    step.dependencies = examined[pos].dependencies;
    plan.changes.push_back(std::move(step));
  }
  std::stable_sort(plan.changes.begin(), plan.changes.end(), [&](auto const& a, auto const& b) {
    return RankOf(types, a.row) < RankOf(types, b.row);
  });
  std::vector<store::WorkloadRow> gone;
  for (auto const& row : rows) {
    if (!kept.contains(row.name)) gone.push_back(row);
  }
  SortForProvision(gone, types);
  std::reverse(gone.begin(), gone.end());
  for (auto& row : gone)
    plan.removes.push_back(RemovalOf(std::move(row)));
  return plan;
}

Result<Plan> PlanApply(grid::Deployment const& target, store::JobRow const& job,
                       std::vector<store::WorkloadRow> const& rows, plugin::Plugins& plugins) {
  PlaceNumbers places;
  return PlanApply(target, ExamineAll(target, plugins), job, rows,
                   MakeTypeMap(plugins.Types(), places));
}

std::vector<grid::Examined> ExamineAll(grid::Deployment const& target, plugin::Plugins& plugins) {
  std::vector<grid::Examined> all;
  all.reserve(target.workloads.size());
  for (auto const& workload : target.workloads) {
    auto examined = plugins.Examine(target, workload, /*check_valid=*/false);
    all.push_back(examined ? *std::move(examined) : grid::Examined{});
  }
  return all;
}

}  // namespace trellis::engine
