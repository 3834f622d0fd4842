// What an update changes, and in which order.
#include "kernel/grid/upgrade.hpp"
#include "tests/golden/engine_order.hpp"
#include "tests/golden/types.hpp"
#include "tests/golden/vectors.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <stdexcept>
#include <string>

namespace trellis::golden {
namespace {

constexpr char const* kFile = "upgrades.json";

grid::OpKind KindOf(std::string const& text) {
  for (auto const kind : {grid::OpKind::kAdd, grid::OpKind::kUpdate, grid::OpKind::kRemove}) {
    if (grid::ToText(kind) == text) return kind;
  }
  throw std::runtime_error("no operation '" + text + "'");
}

std::vector<grid::UpgradeOp> OpsOf(Row const& row, std::string_view key) {
  std::vector<grid::UpgradeOp> ops;
  for (auto const& op : Member(row, key).as_array())
    ops.push_back({KindOf(Text(op, "op")), Text(op, "name"), Text(op, "type")});
  return ops;
}

void CheckRefusal(Row const& row, Result<grid::Upgrade> const& upgrade,
                  grid::Deployment const& next) {
  EXPECT_EQ(Verdict(upgrade), Text(row, "error"));
  auto const why = Text(row, "new_invalid_reason");
  EXPECT_EQ(why.empty(), Text(row, "error") != "new_invalid");
  if (why.empty()) return;
  EXPECT_EQ(Verdict(grid::Validate(next, AllTypes())), why);
}

void CheckStates(Row const& row, grid::Upgrade const& upgrade) {
  std::map<std::string, std::string> states;
  for (auto const& workload : upgrade.merged.workloads)
    states[workload.name] = workload.result.state;
  std::map<std::string, std::string> expected;
  for (auto const& [name, state] : row.at("states").as_object())
    expected[std::string(name)] = std::string(state.as_string());
  EXPECT_EQ(states, expected);
}

bool IsInError(grid::Deployment const& deployment, std::string_view name) {
  auto const workload = deployment.Get(name);
  return workload && (*workload)->result.state == grid::kStateError;
}

// Untouched workloads are the old ones altogether, updated ones the new ones.
void CheckMerged(grid::Deployment const& old, grid::Deployment const& next,
                 grid::Upgrade const& upgrade) {
  ASSERT_EQ(upgrade.merged.workloads.size(), next.workloads.size());
  for (std::size_t i = 0; i < next.workloads.size(); ++i) {
    auto const& merged = upgrade.merged.workloads[i];
    auto const before = old.Get(merged.name);
    bool const untouched = before && next.workloads[i].version != next.version;
    auto const& expected = untouched ? **before : next.workloads[i];
    EXPECT_EQ(merged.data, expected.data) << merged.name;
    EXPECT_EQ(merged.version, expected.version) << merged.name;
  }
}

void CheckUpgrade(Row const& row) {
  auto const old = grid::ParseDeployment(Text(row, "old")).value();
  auto const next = grid::ParseDeployment(Text(row, "new")).value();

  auto const upgrade = grid::PlanUpgrade(old, next, AllTypes());

  if (!Text(row, "error").empty()) {
    CheckRefusal(row, upgrade, next);
    return;
  }
  ASSERT_TRUE(upgrade.has_value()) << upgrade.error().message;
  EXPECT_EQ(OpTexts(upgrade->ops), OpTexts(OpsOf(row, "ops")));
  CheckStates(row, *upgrade);
  CheckMerged(old, next, *upgrade);
  auto const in_error = [&](std::string_view name) { return IsInError(old, name); };
  EXPECT_EQ(Verdict(grid::CheckUpdatable(upgrade->ops, AllTypes(), in_error)), Text(row, "engine"));
  auto const published = OpsOf(row, "engine_ops");
  EXPECT_EQ(OpTexts(PublishedOrder(upgrade->ops)), OpTexts(published));
  EXPECT_EQ(PlannedOrder(old, next), WithWeights(published, old, next));
}

TEST(Upgrades, OperationsStatesAndRefusalsAreAsPublished) {
  ForEach(kFile, "vectors", CheckUpgrade);
}

TEST(Upgrades, UpdatableTypesAreAsPublished) {
  std::set<std::string> published;
  for (auto const& name : Rows(kFile, "updatable_types"))
    published.emplace(name.as_string());
  if (published.empty()) return;  // said so already
  std::set<std::string> updatable;
  for (auto const& type : AllTypes().Types()) {
    if (type.updatable) updatable.insert(type.name);
  }
  EXPECT_EQ(updatable, published);
}

}  // namespace
}  // namespace trellis::golden
