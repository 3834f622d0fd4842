#include "tests/golden/engine_order.hpp"

#include "kernel/engine/plan.hpp"
#include "tests/golden/types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace trellis::golden {
namespace {

store::WorkloadRow AppliedRow(grid::Workload const& workload, store::DeploymentKey key,
                              std::uint32_t pos) {
  store::WorkloadRow row;
  row.key = key;
  row.name = workload.name;
  row.type = workload.type;
  row.pos = pos;
  row.version = workload.version;
  row.data = workload.data.text;
  row.state = workload.result.state;
  row.eff_version = workload.version;
  row.eff_data = workload.data.text;
  row.owned = true;
  row.weight = AllTypes().Examine({}, workload, /*check_valid=*/false).value().weight;
  return row;
}

grid::UpgradeOp OpOf(plugin::Op op, store::WorkloadRow const& row) {
  switch (op) {
    case plugin::Op::kProvision:
      return {grid::OpKind::kAdd, row.name, row.type};
    case plugin::Op::kUpdate:
      return {grid::OpKind::kUpdate, row.name, row.type};
    case plugin::Op::kDeprovision:
      return {grid::OpKind::kRemove, row.name, row.type};
    case plugin::Op::kPause:
    case plugin::Op::kResume:
      break;
  }
  ADD_FAILURE() << "an update neither pauses nor resumes";
  return {};
}

std::int64_t WeightIn(grid::Deployment const& deployment, std::string const& name) {
  auto const* workload = deployment.Get(name).value();
  return AllTypes().Examine(deployment, *workload, /*check_valid=*/false).value().weight;
}

bool SameBlock(grid::UpgradeOp const& a, grid::UpgradeOp const& b) {
  return a.type == b.type && (a.kind == grid::OpKind::kRemove) == (b.kind == grid::OpKind::kRemove);
}

}  // namespace

std::string OpText(grid::UpgradeOp const& op) {
  return fmt::format("{} {} {}", grid::ToText(op.kind), op.type, op.name);
}

std::vector<std::string> OpTexts(std::vector<grid::UpgradeOp> const& ops) {
  std::vector<std::string> texts;
  for (auto const& op : ops)
    texts.push_back(OpText(op));
  return texts;
}

std::vector<std::string> PlannedOrder(grid::Deployment const& old, grid::Deployment const& next) {
  store::JobRow job;
  job.key = {old.twin_id, old.contract_id};
  job.version = next.version;
  std::vector<store::WorkloadRow> rows;
  for (std::uint32_t pos = 0; pos < old.workloads.size(); ++pos)
    rows.push_back(AppliedRow(old.workloads[pos], job.key, pos));

  auto const plan = engine::PlanApply(next, job, rows, AllTypes()).value();

  std::vector<std::string> order;
  for (auto const& step : plan.removes)
    order.push_back(OpText(OpOf(step.op, step.row)));
  for (auto const& step : plan.changes)
    order.push_back(OpText(OpOf(step.op, step.row)));
  return order;
}

std::vector<std::string> WithWeights(std::vector<grid::UpgradeOp> const& published,
                                     grid::Deployment const& old, grid::Deployment const& next) {
  auto ops = published;
  for (auto begin = ops.begin(); begin != ops.end();) {
    auto const end =
        std::find_if(begin, ops.end(), [&](auto const& op) { return !SameBlock(op, *begin); });
    bool const removes = begin->kind == grid::OpKind::kRemove;
    auto const& document = removes ? old : next;
    std::stable_sort(begin, end, [&](auto const& a, auto const& b) {
      return WeightIn(document, a.name) > WeightIn(document, b.name);
    });
    if (removes) std::reverse(begin, end);
    begin = end;
  }
  return OpTexts(ops);
}

std::vector<grid::UpgradeOp> PublishedOrder(std::vector<grid::UpgradeOp> ops) {
  auto const positions = engine::TypeOrder(AllTypes().Types());
  auto const key = [&](grid::UpgradeOp const& op) {
    auto const position = static_cast<std::int64_t>(positions.find(op.type)->second);
    bool const remove = op.kind == grid::OpKind::kRemove;
    return std::pair(remove ? 0 : 1, remove ? -position : position);
  };
  std::ranges::stable_sort(ops, [&](auto const& a, auto const& b) { return key(a) < key(b); });
  return ops;
}

}  // namespace trellis::golden
