#include "kernel/grid/upgrade.hpp"

#include <limits>
#include <map>
#include <set>

namespace trellis::grid {
namespace {

Result<void> CheckHeader(Deployment const& old, Deployment const& next) {
  if (next.twin_id != old.twin_id || next.contract_id != old.contract_id)
    return Invalid("ids", "cannot change deployment or twin id");
  bool const last = old.version == std::numeric_limits<std::uint32_t>::max();
  if (last || next.version != old.version + 1)
    return Invalid("deployment_version", "expecting deployment version {}, got {}",
                   std::uint64_t{old.version} + 1, next.version);
  return {};
}

}  // namespace

std::string_view ToText(OpKind kind) {
  switch (kind) {
    case OpKind::kRemove:
      return "remove";
    case OpKind::kAdd:
      return "add";
    case OpKind::kUpdate:
      return "update";
  }
  return "unknown";
}

Result<std::vector<UpgradeOp>> CompareVersions(Deployment const& old, Deployment const& next) {
  TRELLIS_CHECK(CheckHeader(old, next));
  std::map<std::string_view, Workload const*> before;
  for (auto const& workload : old.workloads)
    before.emplace(workload.name, &workload);
  std::vector<UpgradeOp> ops;
  std::set<std::string_view> kept;
  for (auto const& workload : next.workloads) {
    bool const current = workload.version == next.version;
    auto const found = before.find(workload.name);
    if (found == before.end()) {
      if (!current)
        return Invalid("new_workload_version",
                       "invalid version number for workload '{}' expected '{}'", workload.name,
                       next.version);
      ops.push_back({OpKind::kAdd, workload.name, workload.type});
      continue;
    }
    kept.insert(found->first);
    if (workload.type != found->second->type)
      return Invalid("type_change", "cannot change workload type '{}'", workload.name);
    if (current) ops.push_back({OpKind::kUpdate, workload.name, workload.type});
  }
  for (auto const& workload : old.workloads) {
    if (!kept.contains(workload.name))
      ops.push_back({OpKind::kRemove, workload.name, workload.type});
  }
  return ops;
}

Result<Upgrade> PlanUpgrade(Deployment const& old, Deployment const& next, TypeExaminer& types) {
  Upgrade out;
  auto validated = Validate(next, types);
  if (!validated && validated.error().code == Code::kInvalid)
    return Invalid("new_invalid", "new deployment is invalid: {}",
                   SplitReason(validated.error().message).sentence);
  if (!validated) return tl::unexpected<Error>(std::move(validated).error());
  out.validated = *std::move(validated);
  TRELLIS_TRY(out.ops, CompareVersions(old, next));

  std::map<std::string_view, Workload const*> before;
  for (auto const& workload : old.workloads)
    before.emplace(workload.name, &workload);
  out.merged = next;
  for (auto& workload : out.merged.workloads) {
    auto const found = before.find(workload.name);
    if (found == before.end()) {
      workload.result = {};
    } else if (workload.version == next.version) {
      workload.result = found->second->result;
    } else {
      workload = *found->second;
    }
  }
  return out;
}

Result<void> CheckUpdatable(std::vector<UpgradeOp> const& ops, TypeExaminer const& types,
                            std::function<bool(std::string_view name)> const& in_error) {
  for (auto const& op : ops) {
    if (op.kind != OpKind::kUpdate || types.Updatable(op.type) || in_error(op.name)) continue;
    return Invalid("not_updatable", "workload '{}' does not support upgrade", op.type);
  }
  return {};
}

}  // namespace trellis::grid
