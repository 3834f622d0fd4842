// Who may have a name, and for how long a type is known.
#include "kernel/plugin/registry.hpp"

#include "kernel/grid/reason.hpp"
#include "kernel/grid/validate.hpp"
#include "tests/unit/kernel/plugin/plugin_lab.hpp"

#include <gtest/gtest.h>

namespace trellis::plugin {
namespace {

TypeInfo TypeOf(std::string name, std::string plugin) {
  TypeInfo type;
  type.name = std::move(name);
  type.plugin = std::move(plugin);
  return type;
}

TEST(Registry, TakesATypeOnce) {
  Registry registry;
  ASSERT_TRUE(registry.AddType(TypeOf("disk", "a")));

  EXPECT_EQ(registry.AddType(TypeOf("disk", "a")).error().code, Code::kExists);
  EXPECT_EQ(registry.AddType(TypeOf("disk", "b")).error().code, Code::kExists);
  EXPECT_EQ(registry.Type("disk")->plugin, "a");
}

std::string Verdict(Manager& types) {
  grid::Deployment deployment;
  auto& workload = deployment.workloads.emplace_back();
  workload.name = "w";
  workload.type = "bare";
  workload.data.text = "{}";
  auto const valid = grid::Validate(deployment, types);
  return valid ? "ok" : grid::SplitReason(valid.error().message).reason;
}

TEST(Types, AreKnownWhileTheirPluginIsThere) {
  PluginLab lab;
  lab.Add("stranger");
  EXPECT_EQ(Verdict(lab.Open()), "type");

  lab.Add("bare");
  EXPECT_EQ(Verdict(lab.Open()), "ok");

  std::filesystem::remove(lab.plugins() / "bare.trellis.so");
  EXPECT_EQ(Verdict(lab.Open()), "type");
}

}  // namespace
}  // namespace trellis::plugin
