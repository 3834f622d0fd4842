// Single workloads: rules, challenge, capacity.
#include "kernel/grid/deployment.hpp"
#include "kernel/grid/validate.hpp"
#include "tests/golden/types.hpp"
#include "tests/golden/vectors.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace trellis::golden {
namespace {

// The case's workload `w` behind the raw list `others`.
std::string DocumentOf(Row const& row) {
  auto others = Text(row, "others");
  auto const open = others.find('[');
  auto const close = others.rfind(']');
  others = open == std::string::npos ? "" : others.substr(open + 1, close - open - 1);
  bool const any = others.find_first_not_of(" \t\r\n") != std::string::npos;
  return fmt::format(
      R"({{"version":0,"twin_id":7,"contract_id":1,"workloads":[{}{}{{"version":0,"name":"w","type":{},"data":{},"metadata":"","description":""}}]}})",
      others, any ? "," : "", boost::json::serialize(row.at("type")), Text(row, "data"));
}

// Data that is no JSON at all never comes with a message; it can only be put in by hand.
grid::Deployment DeploymentOf(Row const& row) {
  auto deployment = grid::ParseDeployment(DocumentOf(row));
  if (deployment) return *std::move(deployment);
  EXPECT_FALSE(json::Check(Text(row, "data"))) << deployment.error().message;
  grid::Deployment made;
  auto& workload = made.workloads.emplace_back();
  workload.name = "w";
  workload.type = Text(row, "type");
  workload.data.text = Text(row, "data");
  return made;
}

void CheckCase(Row const& row) {
  auto const deployment = DeploymentOf(row);
  RowTypes types(row);

  auto const valid = grid::Validate(deployment, types);

  EXPECT_EQ(Verdict(valid), Expected(row, "valid", "reason"))
      << (valid ? "" : valid.error().message);
  auto const& workload = deployment.workloads.back();
  if (!Member(row, "challenge").is_string()) {
    EXPECT_FALSE(grid::Challenge(deployment, types).has_value());
    return;
  }
  auto const examined = types.Examine(deployment, workload, /*check_valid=*/false).value();
  EXPECT_EQ(grid::WorkloadChallenge(workload, examined.challenge), Text(row, "challenge"));
  EXPECT_EQ(examined.capacity, CapacityOf(row));
}

TEST(Workloads, RulesChallengesAndCapacitiesAreAsPublished) {
  ForEach("deployments.json", "workload_cases", CheckCase);
}

TEST(Workloads, AreRefusedWhereTheirTypeIsNotRegistered) {
  ForEach("deployments.json", "workload_cases", [](Row const& row) {
    if (!Member(row, "extra_types").is_array()) return;
    RowTypes types;
    auto const deployment = DeploymentOf(row);

    auto const valid = grid::Validate(deployment, types);
    EXPECT_FALSE(valid.has_value());
    if (Flag(row, "valid")) {  // else something before it may be wrong too
      EXPECT_EQ(Verdict(valid), "type");
    }
  });
}

}  // namespace
}  // namespace trellis::golden
