#include "tests/integration/zmachine/machine_lab.hpp"

#include <trellis/services/vm.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

namespace trellis::testing {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

Result<services::MachineInfo> Info(MachineLab& lab) {
  return lab.host().CallService<services::MachineInfo>(services::kVmMachine, "inspect",
                                                       services::MachineRequest{kMachineId});
}

TEST(Machine, RunsOutlivesThePluginAndLeavesNothing) {
  MachineLab lab;
  auto& host = lab.host();
  ASSERT_TRUE(host.Load(FakeHost::BuiltPlugin("storage")));
  auto const loaded = lab.LoadMachines();
  ASSERT_TRUE(loaded) << loaded.error().message;

  // provision
  auto const made =
      host.Provision("zmachine", kMachineId, MachineLab::MachineData(), MachineLab::Options());
  ASSERT_EQ(made.status, TRL_OK) << made.error;
  EXPECT_EQ(
      made.result,
      R"({"id":"7-100-vm1","ip":"10.20.2.5","planetary_ip":"","mycelium_ip":"","console_url":""})");
  auto const answer = MachineLab::Get("/", seconds(60));
  EXPECT_NE(answer, "") << lab.ConsoleLog();
  EXPECT_THAT(lab.ConsoleLog(), HasSubstr("GET \"/\" 200"));
  auto const before = Info(lab);
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(before->state, "running");
  EXPECT_GT(before->pid, 0);

  // again: nothing to do
  auto const again =
      host.Provision("zmachine", kMachineId, MachineLab::MachineData(), MachineLab::Options());
  EXPECT_EQ(again.status, TRL_NO_ACTION) << again.error;

  // pause, resume
  ASSERT_TRUE(
      host.Pause("zmachine", kMachineId, MachineLab::MachineData(), MachineLab::Options()).ok());
  auto observed = host.Inspect("zmachine", kMachineId, MachineLab::MachineData());
  ASSERT_TRUE(observed);
  EXPECT_EQ(observed->state, Observed::State::kPaused) << observed->detail;
  EXPECT_EQ(MachineLab::Get("/", seconds(1)), "");
  ASSERT_TRUE(
      host.Resume("zmachine", kMachineId, MachineLab::MachineData(), MachineLab::Options()).ok());
  EXPECT_NE(MachineLab::Get("/", seconds(20)), "");

  // the plugin goes and comes back
  ASSERT_TRUE(host.Unload("zmachine"));
  EXPECT_NE(MachineLab::Get("/", seconds(20)), "");
  ASSERT_TRUE(lab.LoadMachines());
  auto const after = Info(lab);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->state, "running");
  EXPECT_EQ(after->pid, before->pid);
  observed = host.Inspect("zmachine", kMachineId, MachineLab::MachineData());
  ASSERT_TRUE(observed);
  EXPECT_EQ(observed->state, Observed::State::kRunning) << observed->detail;

  // deprovision, twice
  auto const removed =
      host.Deprovision("zmachine", kMachineId, MachineLab::MachineData(), MachineLab::Options());
  EXPECT_EQ(removed.status, TRL_OK) << removed.error;
  EXPECT_EQ(lab.Leftovers(), "");
  EXPECT_EQ(::kill(before->pid, 0), -1);
  auto const owned = host.ListOwned("zmachine");
  ASSERT_TRUE(owned);
  EXPECT_TRUE(owned->empty());
  EXPECT_TRUE(host.Deprovision("zmachine", kMachineId, "{}", MachineLab::Options()).ok());
}

}  // namespace
}  // namespace trellis::testing
