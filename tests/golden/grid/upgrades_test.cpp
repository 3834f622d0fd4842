// What an update changes.
#include "kernel/grid/upgrade.hpp"
#include "plugins/zmount/data.hpp"
#include "tests/golden/grid/reference_types.hpp"
#include "tests/golden/vectors.hpp"
#include "tests/support/data_examiner.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace trellis::grid {
namespace {

using golden::ReadVectors;
using golden::Text;
using Value = boost::json::value;

testing::DataExaminer Types(boost::json::object const& vectors) {
  testing::DataExaminer types;
  types.Add<plugins::zmount::ZMount>("zmount");
  for (auto const* name : {"network", "ip", "zmachine", "zlogs", "zdb"})
    types.Add<golden::AnyData>(name);
  for (auto const& name : vectors.at("updatable_types").as_array()) {
    std::string const type(name.as_string());
    if (type == "zmount")
      types.Add<plugins::zmount::ZMount>(type, {.updatable = true});
    else
      types.Add<golden::AnyData>(type, {.updatable = true});
  }
  return types;
}

void ExpectRefusal(Value const& row, Result<Upgrade> const& upgrade, Deployment const& next,
                   testing::DataExaminer& types) {
  ASSERT_FALSE(upgrade.has_value());
  EXPECT_EQ(SplitReason(upgrade.error().message).reason, Text(row, "error"));
  if (Text(row, "error") != "new_invalid") return;
  EXPECT_EQ(SplitReason(Validate(next, types).error().message).reason,
            Text(row, "new_invalid_reason"));
}

void ExpectOps(Value const& row, Upgrade const& upgrade) {
  auto const& expected = row.at("ops").as_array();
  ASSERT_EQ(upgrade.ops.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(ToText(upgrade.ops[i].kind), Text(expected[i], "op"));
    EXPECT_EQ(upgrade.ops[i].name, Text(expected[i], "name"));
    EXPECT_EQ(upgrade.ops[i].type, Text(expected[i], "type"));
  }
  std::map<std::string, std::string> states;
  for (auto const& workload : upgrade.merged.workloads)
    states[workload.name] = workload.result.state;
  std::map<std::string, std::string> wanted;
  for (auto const& [name, state] : row.at("states").as_object())
    wanted[std::string(name)] = std::string(state.as_string());
  EXPECT_EQ(states, wanted);
}

TEST(UpgradeVectors, OperationsStatesAndRefusalsMatch) {
  auto const vectors = ReadVectors("upgrades.json");
  auto types = Types(vectors);
  for (auto const& row : vectors.at("vectors").as_array()) {
    SCOPED_TRACE(Text(row, "name"));
    auto const old = ParseDeployment(Text(row, "old")).value();
    auto const next = ParseDeployment(Text(row, "new")).value();

    auto const upgrade = PlanUpgrade(old, next, types);

    if (!Text(row, "error").empty()) {
      ExpectRefusal(row, upgrade, next, types);
      continue;
    }
    ASSERT_TRUE(upgrade.has_value()) << upgrade.error().message;
    ExpectOps(row, *upgrade);
    auto const allowed = CheckUpdatable(upgrade->ops, types, [](auto) { return false; });
    auto const engine = allowed ? "ok" : SplitReason(allowed.error().message).reason;
    EXPECT_EQ(engine, Text(row, "engine"));
  }
}

}  // namespace
}  // namespace trellis::grid
