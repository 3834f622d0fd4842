// Two deployments, old and new with a zero byte between them: the update is refused, or its
// operations lead from the one to the other.
#include "kernel/grid/upgrade.hpp"

#include "tests/fuzz/nine_types.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <set>

namespace trellis::fuzz::upgrade {

void Run(std::string_view input);

namespace {

std::set<std::string> NamesOf(grid::Deployment const& deployment) {
  std::set<std::string> names;
  for (auto const& workload : deployment.workloads)
    names.insert(workload.name);
  return names;
}

}  // namespace

void Run(std::string_view input) {
  static auto types = NineTypes();
  auto const middle = input.find('\0');
  if (middle == std::string_view::npos) return;
  auto const old = grid::ParseDeployment(input.substr(0, middle));
  auto const next = grid::ParseDeployment(input.substr(middle + 1));
  if (!old || !next) return;
  // What is stored was valid when it was taken.
  if (NamesOf(*old).size() != old->workloads.size()) return;
  auto const upgrade = grid::PlanUpgrade(*old, *next, types);
  if (!upgrade) {
    Require(!grid::SplitReason(upgrade.error().message).reason.empty(), "a refusal has a reason");
    return;
  }
  auto names = NamesOf(*old);
  for (auto const& op : upgrade->ops) {
    bool const changed = op.kind == grid::OpKind::kRemove ? names.erase(op.name) == 1
                         : op.kind == grid::OpKind::kAdd  ? names.insert(op.name).second
                                                          : names.contains(op.name);
    Require(changed, "an operation fits what is there");
  }
  Require(names == NamesOf(*next), "the operations lead to the new workloads");
  Require(names == NamesOf(upgrade->merged), "the merged deployment has the new workloads");
}

}  // namespace trellis::fuzz::upgrade
