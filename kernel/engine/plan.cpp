#include "kernel/engine/plan.hpp"

#include <algorithm>
#include <set>

namespace trellis::engine {
namespace {

std::size_t PositionOf(std::map<std::string, std::size_t, std::less<>> const& order,
                       std::string const& type) {
  auto const found = order.find(type);
  return found == order.end() ? order.size() : found->second;
}

/// What the pure half says; a plugin that is away must not stop the ordering of what is stored.
grid::Examined ExamineOrEmpty(plugin::Plugins& plugins, grid::Deployment const& deployment,
                              grid::Workload const& workload) {
  auto examined = plugins.Examine(deployment, workload, /*check_valid=*/false);
  return examined ? *std::move(examined) : grid::Examined{};
}

grid::Workload ToWorkload(store::WorkloadRow const& row) {
  grid::Workload workload;
  workload.version = row.version;
  workload.name = row.name;
  workload.type = row.type;
  workload.data.text = row.data;
  return workload;
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

struct Ordered {
  std::size_t type = 0;
  std::int64_t weight = 0;
  std::uint32_t pos = 0;
  bool operator<(Ordered const& other) const {
    return std::tuple(type, -weight, pos) < std::tuple(other.type, -other.weight, other.pos);
  }
};

}  // namespace

std::map<std::string, std::size_t, std::less<>> TypeOrder(
    std::vector<plugin::TypeInfo> const& types) {
  std::map<std::string, plugin::TypeInfo const*> waiting;
  for (auto const& type : types)
    waiting.emplace(type.name, &type);
  std::map<std::string, std::size_t, std::less<>> order;
  while (!waiting.empty()) {
    plugin::TypeInfo const* best = nullptr;
    for (auto const& [name, type] : waiting) {
      bool const ready = std::none_of(type->after.begin(), type->after.end(),
                                      [&](auto const& other) { return waiting.contains(other); });
      if (ready && (best == nullptr ||
                    std::pair(type->rank, type->name) < std::pair(best->rank, best->name)))
        best = type;
    }
    if (best == nullptr) {  // a cycle of `after`: fall back to rank
      for (auto const& [name, type] : waiting) {
        if (best == nullptr ||
            std::pair(type->rank, type->name) < std::pair(best->rank, best->name))
          best = type;
      }
    }
    order.emplace(best->name, order.size());
    waiting.erase(best->name);
  }
  return order;
}

void SortForProvision(std::vector<store::WorkloadRow>& rows, plugin::Plugins& plugins) {
  auto const order = TypeOrder(plugins.Types());
  std::vector<std::pair<Ordered, store::WorkloadRow>> keyed;
  keyed.reserve(rows.size());
  grid::Deployment const none;
  for (auto& row : rows) {
    auto const weight = ExamineOrEmpty(plugins, none, ToWorkload(row)).weight;
    keyed.emplace_back(Ordered{PositionOf(order, row.type), weight, row.pos}, std::move(row));
  }
  std::stable_sort(keyed.begin(), keyed.end(),
                   [](auto const& a, auto const& b) { return a.first < b.first; });
  rows.clear();
  for (auto& entry : keyed)
    rows.push_back(std::move(entry.second));
}

Result<Plan> PlanApply(grid::Deployment const& target, store::JobRow const& job,
                       std::vector<store::WorkloadRow> const& rows, plugin::Plugins& plugins) {
  std::map<std::string, store::WorkloadRow const*> stored;
  for (auto const& row : rows)
    stored.emplace(row.name, &row);
  std::set<std::string> wanted;
  auto const order = TypeOrder(plugins.Types());
  std::vector<std::pair<Ordered, PlannedStep>> changes;
  for (std::uint32_t pos = 0; pos < target.workloads.size(); ++pos) {
    auto const& workload = target.workloads[pos];
    wanted.insert(workload.name);
    auto const found = stored.find(workload.name);
    auto const* row = found == stored.end() ? nullptr : found->second;
    bool const current = workload.version == job.version;
    bool const add =
        row == nullptr || row->state == "init" || (!row->eff_version.has_value() && current);
    if (!add && !current) continue;
    auto examined = plugins.Examine(target, workload, /*check_valid=*/false);
    PlannedStep step;
    step.op = add ? plugin::Op::kProvision : plugin::Op::kUpdate;
    step.row = WantedRow(workload, job.key, pos, row);
    if (examined) {
      step.capacity = examined->capacity;
      step.dependencies = examined->dependencies;
    }
    changes.emplace_back(
        Ordered{PositionOf(order, workload.type), examined ? examined->weight : 0, pos},
        std::move(step));
  }
  std::stable_sort(changes.begin(), changes.end(),
                   [](auto const& a, auto const& b) { return a.first < b.first; });

  Plan plan;
  for (auto& change : changes)
    plan.changes.push_back(std::move(change.second));
  std::vector<store::WorkloadRow> gone;
  for (auto const& row : rows) {
    if (!wanted.contains(row.name)) gone.push_back(row);
  }
  SortForProvision(gone, plugins);
  std::reverse(gone.begin(), gone.end());
  for (auto& row : gone)
    plan.removes.push_back({plugin::Op::kDeprovision, std::move(row), {}, {}});
  return plan;
}

}  // namespace trellis::engine
