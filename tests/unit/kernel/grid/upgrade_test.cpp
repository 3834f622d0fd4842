#include "kernel/grid/upgrade.hpp"

#include "tests/unit/kernel/grid/builders.hpp"

#include <gtest/gtest.h>

namespace trellis::grid {
namespace {

Workload At(Workload workload, std::uint32_t version) {
  workload.version = version;
  return workload;
}

Deployment Next(std::vector<Workload> workloads) {
  auto out = ADeployment(std::move(workloads));
  out.version = 1;
  return out;
}

std::string Refusal(Deployment const& old, Deployment const& next) {
  FakeTypes types;
  auto const upgrade = PlanUpgrade(old, next, types);
  return upgrade ? "" : upgrade.error().message;
}

TEST(Upgrade, UntouchedWorkloadKeepsItsOldDataAndResult) {
  FakeTypes types;
  auto old = ADeployment({AWorkload("a", R"({"v":1})")});
  old.workloads[0].result.state = "ok";

  auto const upgrade = PlanUpgrade(old, Next({AWorkload("a", R"({"v":2})")}), types).value();

  EXPECT_TRUE(upgrade.ops.empty());
  EXPECT_EQ(upgrade.merged.workloads[0].data.text, R"({"v":1})");
  EXPECT_EQ(upgrade.merged.workloads[0].result.state, "ok");
}

TEST(Upgrade, ResultsOfAddedWorkloadsAreDroppedAndOfUpdatedOnesKept) {
  FakeTypes types;
  auto old = ADeployment({AWorkload("a")});
  old.workloads[0].result.state = "error";
  auto added = At(AWorkload("b"), 1);
  added.result.state = "ok";

  auto const upgrade = PlanUpgrade(old, Next({added, At(AWorkload("a"), 1)}), types).value();

  EXPECT_EQ(upgrade.merged.workloads[0].result.state, "");
  EXPECT_EQ(upgrade.merged.workloads[1].result.state, "error");
  ASSERT_EQ(upgrade.ops.size(), 2U);
  EXPECT_EQ(upgrade.ops[1].kind, OpKind::kUpdate);
}

TEST(Upgrade, RefusalsUseThePublishedTexts) {
  auto const old = ADeployment({AWorkload("a")});
  auto other_twin = Next({});
  other_twin.twin_id = 8;
  auto jump = Next({});
  jump.version = 2;
  auto machine = AWorkload("a");
  machine.type = "machine";

  EXPECT_EQ(Refusal(old, other_twin), "[ids] cannot change deployment or twin id");
  EXPECT_EQ(Refusal(old, jump), "[deployment_version] expecting deployment version 1, got 2");
  EXPECT_EQ(Refusal(old, Next({AWorkload("b")})),
            "[new_workload_version] invalid version number for workload 'b' expected '1'");
  EXPECT_EQ(Refusal(old, Next({machine})), "[type_change] cannot change workload type 'a'");
  EXPECT_EQ(Refusal(old, Next({AWorkload("a", R"({"refused":1})")})),
            "[new_invalid] new deployment is invalid: workload 'a': size is zero");
}

TEST(Upgrade, ChecksValidityThenIdsThenVersion) {
  auto const old = ADeployment();
  auto next = Next({AWorkload("a-b")});
  next.twin_id = 8;
  next.version = 9;
  EXPECT_EQ(SplitReason(Refusal(old, next)).reason, "new_invalid");

  next.workloads.clear();
  EXPECT_EQ(SplitReason(Refusal(old, next)).reason, "ids");

  next.twin_id = 7;
  EXPECT_EQ(SplitReason(Refusal(old, next)).reason, "deployment_version");
}

TEST(Upgrade, TheLastVersionHasNoSuccessor) {
  auto old = ADeployment();
  old.version = UINT32_MAX;

  EXPECT_EQ(Refusal(old, ADeployment()),
            "[deployment_version] expecting deployment version 4294967296, got 0");
}

TEST(Upgrade, TheMergedDeploymentHasTheHashOfTheContract) {
  FakeTypes types;
  auto const old = ADeployment({AWorkload("a"), AWorkload("b"), AWorkload("c")});
  auto next = Next({At(AWorkload("d"), 1), AWorkload("b"), At(AWorkload("a", R"({"v":2})"), 1)});
  next.expiration.seconds = 7;
  next.metadata = "m";
  next.signature_requirement.requests.push_back({9, true, 3});  // need not satisfy the old one

  auto const upgrade = PlanUpgrade(old, next, types).value();

  EXPECT_EQ(Challenge(upgrade.merged, types).value(), Challenge(next, types).value());
  EXPECT_EQ(ChallengeHash(upgrade.merged, types).value(), upgrade.validated.hash);
}

TEST(Upgrade, RemovalsComeInTheOrderOfTheOldDeployment) {
  FakeTypes types;
  auto const old = ADeployment({AWorkload("c"), AWorkload("a"), AWorkload("b")});

  auto const upgrade = PlanUpgrade(old, Next({}), types).value();

  ASSERT_EQ(upgrade.ops.size(), 3U);
  EXPECT_EQ(upgrade.ops[0].name, "c");
  EXPECT_EQ(upgrade.ops[2].name, "b");
}

TEST(CheckUpdatable, RefusesTypesWithoutUpdateUnlessTheWorkloadFailed) {
  FakeTypes const types;
  std::vector<UpgradeOp> const ops = {{OpKind::kUpdate, "d", "disk"},
                                      {OpKind::kUpdate, "vm", "machine"}};

  EXPECT_EQ(CheckUpdatable(ops, types, [](auto) { return false; }).error().message,
            "[not_updatable] workload 'machine' does not support upgrade");
  EXPECT_TRUE(CheckUpdatable(ops, types, [](auto name) { return name == "vm"; }));
}

}  // namespace
}  // namespace trellis::grid
