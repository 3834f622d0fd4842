#include "plugins/zmachine/monitor.hpp"

#include "tests/support/temp_dir.hpp"

#include <trellis/detail/instance.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

namespace trellis::plugins::zmachine {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char const* kId = "7-100-vm1";

/// A hypervisor whose machines are entries of a map.
class FakeHypervisor final : public Hypervisor {
 public:
  Result<void> Connect() override { return {}; }
  Result<void> Create(std::string const& xml, bool paused) override {
    created.push_back(xml);
    Domain domain;
    domain.name = kId;
    domain.state = paused ? Domain::State::kPaused : Domain::State::kRunning;
    domains[kId] = domain;
    return {};
  }
  Result<void> Destroy(std::string const& name) override {
    domains.erase(name);
    return {};
  }
  Result<void> Shutdown(std::string const&) override { return {}; }
  Result<void> Suspend(std::string const&) override { return {}; }
  Result<void> Resume(std::string const& name) override {
    resumed.push_back(name);
    return {};
  }
  Result<Domain> Find(std::string const& name) override {
    auto const found = domains.find(name);
    if (found == domains.end()) return Fail(Code::kNotFound, "no machine '{}'", name);
    return found->second;
  }
  Result<std::vector<Domain>> List() override { return std::vector<Domain>(); }
  [[nodiscard]] std::string pid_dir() const override { return "/nonexistent"; }

  std::map<std::string, Domain> domains;
  std::vector<std::string> created;
  std::vector<std::string> resumed;
};

/// The two parts of a host that the monitor needs: a silent log and trellis.engine/1.
struct HostTables {
  HostTables() {
    engine.size = sizeof engine;
    engine.fail = [](void* self, trl_bytes, trl_bytes reason, trl_sink) noexcept -> trl_status {
      static_cast<HostTables*>(self)->failed.emplace_back(abi::View(reason));
      return TRL_OK;
    };
    engine.observed = [](void* self, trl_bytes, std::int32_t, trl_bytes detail,
                         trl_sink) noexcept -> trl_status {
      static_cast<HostTables*>(self)->observed.emplace_back(abi::View(detail));
      return TRL_OK;
    };
    host.size = sizeof host;
    host.ctx = this;
    host.log_level = [](void*) noexcept -> std::int32_t { return 100; };
    host.extension = [](void* self, char const* id) noexcept -> void const* {
      return std::string_view(id) == TRL_EXT_ENGINE ? &static_cast<HostTables*>(self)->engine
                                                    : nullptr;
    };
    instance.host = &host;
  }
  trl_ext_engine engine{};
  trl_host host{};
  detail::Instance instance;
  std::vector<std::string> failed;
  std::vector<std::string> observed;
};

class MonitorTest : public ::testing::Test {
 protected:
  MonitorTest() {
    std::filesystem::create_directories(dir_ / "state");
    std::filesystem::create_directories(dir_ / "run");
    Launch launch;
    launch.id = kId;
    auto const files = machines_.Files(kId);
    EXPECT_TRUE(files.Make());
    EXPECT_TRUE(files.WriteLaunch(launch));
    std::ofstream(files.log()) << "panic\x01 here";
    EXPECT_TRUE(hypervisor_.Create("", false));
    hypervisor_.created.clear();
    monitor_.Watch(kId, /*paused=*/false, /*fresh=*/true);
  }
  void Die() {
    hypervisor_.domains.clear();
    monitor_.Handle({kId, DomainEvent::Kind::kStopped});
  }
  void Wait(std::int64_t seconds) {
    now_ += seconds;
    monitor_.RestartDue();
  }

  testing::TempDir dir_;
  std::int64_t now_ = 1000;
  HostTables tables_;
  FakeHypervisor hypervisor_;
  Machines machines_{hypervisor_, {(dir_ / "state").string(), (dir_ / "run").string()}, {}};
  Monitor monitor_{Host(&tables_.instance), machines_, Settings(), [this] { return now_; }};
};

TEST_F(MonitorTest, RestartsAMachineThatEndedAfterASecond) {
  Die();
  Wait(0);
  EXPECT_THAT(hypervisor_.created, IsEmpty());

  Wait(1);

  EXPECT_THAT(hypervisor_.created, SizeIs(1));
  EXPECT_THAT(tables_.failed, IsEmpty());
}

TEST_F(MonitorTest, FindsAMissingMachineInTheSweep) {
  hypervisor_.domains.clear();

  monitor_.Sweep();
  Wait(1);

  EXPECT_THAT(hypervisor_.created, SizeIs(1));
}

TEST_F(MonitorTest, RestartsAMachineWhoseRootIsAnotherMountNow) {
  Launch launch;
  launch.id = kId;
  launch.shares = {{(dir_ / "state").string(), "vroot"}};
  ASSERT_TRUE(machines_.Files(kId).WriteLaunch(launch));
  ASSERT_TRUE(machines_.Start(launch, false));
  hypervisor_.created.clear();
  monitor_.Sweep();
  Wait(1);
  ASSERT_THAT(hypervisor_.created, IsEmpty());

  std::ofstream(machines_.Files(kId).shares()) << "4294967295\n";
  monitor_.Sweep();
  Wait(1);

  EXPECT_THAT(hypervisor_.created, SizeIs(1));
}

TEST_F(MonitorTest, GivesUpAtTheFourthCrashWithTheLog) {
  for (int i = 0; i < 4; ++i) {
    Die();
    Wait(10);
  }

  EXPECT_THAT(hypervisor_.created, SizeIs(3));
  ASSERT_THAT(tables_.failed, SizeIs(1));
  EXPECT_THAT(tables_.failed.front(), StartsWith("vm crashed 4 times in 2 minutes: "));
  EXPECT_THAT(tables_.failed.front(), HasSubstr("panic  here"));
  monitor_.Sweep();
  Wait(100);
  EXPECT_THAT(hypervisor_.created, SizeIs(3));
}

TEST_F(MonitorTest, StopsAMachineInARebootLoop) {
  for (int i = 0; i < 4; ++i) {
    now_ += 5;
    monitor_.Handle({kId, DomainEvent::Kind::kRebooted});
  }

  EXPECT_THAT(tables_.failed, SizeIs(1));
  EXPECT_THAT(hypervisor_.domains, IsEmpty());
}

TEST_F(MonitorTest, LeavesForgottenMachinesAlone) {
  Die();
  monitor_.Forget(kId);

  Wait(10);
  monitor_.Handle({kId, DomainEvent::Kind::kStopped});
  monitor_.Sweep();

  EXPECT_THAT(hypervisor_.created, IsEmpty());
}

TEST_F(MonitorTest, DoesNotDisturbWhoHoldsTheMachine) {
  auto const hold = machines_.Lock(kId);

  std::jthread other([this] { Die(); });
  other.join();
  Wait(10);

  EXPECT_THAT(hypervisor_.created, IsEmpty());
}

TEST_F(MonitorTest, RestartsAPausedMachinePaused) {
  monitor_.SetPaused(kId, true);

  Die();
  Wait(1);

  EXPECT_EQ(hypervisor_.domains[kId].state, Domain::State::kPaused);
}

TEST_F(MonitorTest, TriesToResumeAfterAnIoError) {
  hypervisor_.domains[kId].state = Domain::State::kPaused;
  hypervisor_.domains[kId].io_error = true;

  monitor_.Handle({kId, DomainEvent::Kind::kIoError});

  EXPECT_THAT(hypervisor_.resumed, SizeIs(1));
  EXPECT_THAT(tables_.observed, ::testing::ElementsAre("paused: I/O error"));
}

}  // namespace
}  // namespace trellis::plugins::zmachine
