// The pure halves of types where no node runs.
#include "kernel/plugin/pure_plugins.hpp"

#include "tests/unit/kernel/plugin/plugin_lab.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trellis::plugin {
namespace {

using ::testing::HasSubstr;

grid::Deployment WithData(std::string type, std::string data) {
  grid::Deployment deployment;
  auto& workload = deployment.workloads.emplace_back();
  workload.name = "w";
  workload.type = std::move(type);
  workload.data.text = std::move(data);
  return deployment;
}

TEST(PurePlugins, ExamineWithoutBeingStarted) {
  PluginLab lab;
  lab.Add("bare");
  auto const pure = PurePlugins::Open(lab.plugins()).value();
  auto const deployment = WithData("bare", R"({"size":1})");

  auto const examined =
      pure->plugins().Examine(deployment, deployment.workloads[0], /*check_valid=*/true);

  ASSERT_TRUE(examined) << examined.error().message;
  EXPECT_EQ(examined->challenge, R"({"size":1})");
  EXPECT_EQ(pure->plugins().Status().front().state, "created");
}

TEST(PurePlugins, RunNoEffects) {
  PluginLab lab;
  lab.Add("bare");
  auto const pure = PurePlugins::Open(lab.plugins()).value();

  auto const answer = pure->plugins().Run(Op::kProvision, RequestFor("bare", R"("x")"), nullptr);

  EXPECT_EQ(answer.status, TRL_UNAVAILABLE);
  EXPECT_THAT(answer.error, HasSubstr("plugin created"));
}

TEST(PurePlugins, NameThePluginThatFails) {
  PluginLab lab;
  lab.Add("fails");
  auto const pure = PurePlugins::Open(lab.plugins()).value();

  auto const status = pure->plugins().Status().front();

  EXPECT_EQ(status.state, "failed");
  EXPECT_NE(status.reason, "");
}

TEST(PurePlugins, NeedAFolder) {
  auto const pure = PurePlugins::Open("/nonexistent/plugins");

  ASSERT_FALSE(pure);
  EXPECT_EQ(pure.error().code, Code::kIo);
}

}  // namespace
}  // namespace trellis::plugin
