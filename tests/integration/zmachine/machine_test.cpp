#include "tests/integration/zmachine/machine_lab.hpp"

#include <trellis/services/vm.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

namespace trellis::testing {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

/// Folder and file, for a user who may reach neither by its path.
void ExpectLogIsLent(MachineLab& lab) {
  auto const lent = lab.host().CallService(services::kVmMachine, "log_source",
                                           json::Dump(services::MachineRequest{kMachineId}));
  ASSERT_TRUE(lent) << lent.error().message;
  ASSERT_EQ(lent->fds.size(), 2U);
  struct stat folder {};
  struct stat named {};
  struct stat file {};
  ASSERT_EQ(::fstat(lent->fds[0].get(), &folder), 0);
  ASSERT_EQ(::fstatat(lent->fds[0].get(), "console.log", &named, 0), 0);
  ASSERT_EQ(::fstat(lent->fds[1].get(), &file), 0);
  EXPECT_EQ(named.st_ino, file.st_ino);
  EXPECT_GT(file.st_size, 0);
  EXPECT_EQ(folder.st_mode & 07U, 05U) << "who has the folder may look into it";
  auto const unknown = lab.host().CallService(services::kVmMachine, "log_source",
                                              json::Dump(services::MachineRequest{"7-100-no"}));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::kNotFound);
}

TEST(Machine, RunsOutlivesThePluginAndLeavesNothing) {
  MachineLab lab;
  auto& host = lab.host();
  auto const others = lab.LoadOthers();
  ASSERT_TRUE(others) << others.error().message;
  auto const loaded = lab.LoadMachines();
  ASSERT_TRUE(loaded) << loaded.error().message;

  // provision
  auto const made =
      host.Provision("zmachine", kMachineId, MachineLab::MachineData(), MachineLab::Options());
  ASSERT_EQ(made.status, TRL_OK) << made.error;
  EXPECT_EQ(
      made.result,
      R"({"id":"7-100-vm1","ip":"10.20.2.5","planetary_ip":"","mycelium_ip":"","console_url":""})");
  auto const answer = MachineLab::Get("/", kBootTime);
  EXPECT_THAT(answer, HasSubstr(R"("GREETING":"it's me")")) << lab.ConsoleLog();
  EXPECT_THAT(answer, HasSubstr(R"("mounted":true)"));
  EXPECT_THAT(lab.ConsoleLog(), HasSubstr("GET \"/\" 200"));
  ExpectLogIsLent(lab);
  auto const before = lab.Info();
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
  EXPECT_NE(MachineLab::Get("/", kBootTime), "");

  // the plugin goes and comes back
  ASSERT_TRUE(host.Unload("zmachine"));
  EXPECT_NE(MachineLab::Get("/", kBootTime), "");
  ASSERT_TRUE(lab.LoadMachines());
  auto const after = lab.Info();
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->state, "running");
  EXPECT_EQ(after->pid, before->pid);
  observed = host.Inspect("zmachine", kMachineId, MachineLab::MachineData());
  ASSERT_TRUE(observed);
  EXPECT_EQ(observed->state, Observed::State::kRunning) << observed->detail;

  // the emulator dies
  ASSERT_EQ(::kill(before->pid, SIGKILL), 0);
  EXPECT_TRUE(lab.WaitForOtherPid(before->pid, kBootTime));
  EXPECT_NE(MachineLab::Get("/", kBootTime), "") << lab.ConsoleLog();
  EXPECT_TRUE(host.Reports().empty());

  // its network goes and comes back
  lab.SetNetwork(false);
  observed = host.Inspect("zmachine", kMachineId, MachineLab::MachineData());
  ASSERT_TRUE(observed);
  EXPECT_EQ(observed->state, Observed::State::kDrifted);
  EXPECT_EQ(observed->detail, "network 'net1' is gone");
  auto const lost =
      host.Provision("zmachine", kMachineId, MachineLab::MachineData(), MachineLab::Options());
  EXPECT_EQ(lost.status, TRL_NOT_FOUND);
  EXPECT_EQ(lost.error, "network 'net1' is gone");
  lab.SetNetwork(true);
  EXPECT_TRUE(
      host.Provision("zmachine", kMachineId, MachineLab::MachineData(), MachineLab::Options())
          .ok());

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

TEST(Machine, IsReportedWhenItRebootsInALoop) {
  MachineLab lab;
  auto& host = lab.host();
  auto const others = lab.LoadOthers();
  ASSERT_TRUE(others) << others.error().message;
  ASSERT_TRUE(lab.LoadMachines(R"(,"crash_count":2)"));

  auto const made = host.Provision("zmachine", kMachineId, MachineLab::MachineData("/bin/nothing"),
                                   MachineLab::Options());

  ASSERT_EQ(made.status, TRL_OK) << made.error;
  ASSERT_TRUE(lab.WaitForReport(kBootTime)) << lab.ConsoleLog();
  auto const reports = host.Reports();
  EXPECT_EQ(reports.front().workload_id, kMachineId);
  EXPECT_THAT(reports.front().text, HasSubstr("vm crashed 2 times in 2 minutes: "));
  auto const observed = host.Inspect("zmachine", kMachineId, MachineLab::MachineData());
  ASSERT_TRUE(observed);
  EXPECT_EQ(observed->state, Observed::State::kAbsent);
  EXPECT_TRUE(
      host.Deprovision("zmachine", kMachineId, MachineLab::MachineData(), MachineLab::Options())
          .ok());
  EXPECT_EQ(lab.Leftovers(), "");
}

TEST(Machine, RunsUnderALibvirtdThatThePluginStarts) {
  MachineLab lab;
  auto& host = lab.host();
  auto const others = lab.LoadOthers();
  ASSERT_TRUE(others) << others.error().message;
  lab.AllowDaemons();
  auto const loaded = lab.LoadMachines(R"(,"libvirt":"system")");
  ASSERT_TRUE(loaded) << loaded.error().message;

  auto const made =
      host.Provision("zmachine", kMachineId, MachineLab::MachineData(), MachineLab::Options());

  ASSERT_EQ(made.status, TRL_OK) << made.error;
  EXPECT_NE(MachineLab::Get("/", kBootTime), "") << lab.ConsoleLog();
  auto const info = lab.Info();
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_GT(info->pid, 0);
  EXPECT_TRUE(
      host.Deprovision("zmachine", kMachineId, MachineLab::MachineData(), MachineLab::Options())
          .ok());
  EXPECT_EQ(lab.Leftovers(), "");
}

TEST(Machine, RefusesWhatThisNodeDoesNotHave) {
  MachineLab lab;
  auto& host = lab.host();
  ASSERT_TRUE(lab.LoadMachines());
  auto const refusal = [&host](std::string const& change) {
    auto const original = *json::ParseValue(MachineLab::MachineData());
    auto data = original.as_object();
    auto const changed = *json::ParseValue(change);
    for (auto const& [key, value] : changed.as_object())
      data[key] = value;
    return host
        .Provision("zmachine", kMachineId, boost::json::serialize(data), MachineLab::Options())
        .error;
  };

  EXPECT_EQ(refusal(R"({"network":{"interfaces":[]}})"), "only one private network is support");
  EXPECT_EQ(refusal(R"({"gpu":["0000:28:00.0/1002/731f"]})"),
            "usage of GPU is not allowed unless node is rented");
  EXPECT_THAT(refusal(R"({"compute_capacity":{"cpu":255,"memory":268435456}})"),
              HasSubstr("invalid cpu must be "));
  EXPECT_EQ(refusal(R"({"flist":"ftp://x/y.flist"})"), "unsupported flist url");
  EXPECT_EQ(refusal(R"({"corex":true})"), "corex is not available on this node");
  EXPECT_EQ(refusal(R"({"entrypoint":"'abc"})"), "invalid entrypoint");
  EXPECT_NE(refusal(R"({"env":{"A;reboot":"1"}})"), "");
  EXPECT_EQ(
      refusal(R"({"network":{"planetary":true,"interfaces":[{"network":"n","ip":"10.1.1.2"}]}})"),
      "planetary network is not available on this node");
  EXPECT_EQ(
      refusal(
          R"({"network":{"public_ip":"address","interfaces":[{"network":"n","ip":"10.1.1.2"}]}})"),
      "public ipv4 is requested, but not supported on this node");
}

}  // namespace
}  // namespace trellis::testing
