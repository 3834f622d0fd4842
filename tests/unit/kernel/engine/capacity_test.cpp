// What fits on the node, and what reserves how much of it.
#include "kernel/engine/capacity.hpp"

#include "kernel/sys/sysinfo.hpp"
#include "tests/support/engine/engine_world.hpp"
#include "tests/support/engine_parts.hpp"

namespace trellis::engine {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
constexpr std::string_view kCannot = "failed to satisfy required capacity: cannot fulfil required ";

/// A node of 4 cores, 16 GiB of memory (2 of them the system's), 100 GiB of each kind of disk.
class Reserving : public ::testing::Test {
 protected:
  Reserving() {
    node_.total = {.cru = 4, .sru = 100 * kGiB, .hru = 100 * kGiB, .mru = 16 * kGiB};
    node_.system.mru = 2 * kGiB;
    node_.memory_available = 14 * kGiB + 256 * kMiB;
    parts_.AddDeployment(kKey);
  }

  /// "" or why not.
  std::string Try(std::string const& name, Capacity const& required) {
    store::WorkloadRow row;
    row.key = kKey;
    row.name = name;
    row.type = "disk";
    auto const done = parts_.writer->Commit([&](store::Database& db) -> Result<void> {
      TRELLIS_CHECK(store::PutWorkload(db, row));
      return Reserve(parts_.context(), db, node_, row, required);
    });
    return done ? "" : done.error().message;
  }
  Capacity Sum() {
    return parts_.Look([](store::Database& db) { return store::SumReservations(db); });
  }

  static constexpr store::DeploymentKey kKey{testing::EngineParts::kUser, 9};
  NodeCapacity node_;
  testing::NoPlugins plugins_;
  testing::EngineParts parts_{plugins_};
};

TEST_F(Reserving, TakesMemoryUpToWhatTheSystemLeaves) {
  EXPECT_EQ(Try("a", {.mru = 14 * kGiB}), "");
  EXPECT_EQ(Try("b", {.mru = 1}),
            fmt::format("{}memory size 1 bytes out of usable 0 bytes", kCannot));
  EXPECT_EQ(Sum().mru, 14 * kGiB);
}

TEST_F(Reserving, TakesFourVirtualCoresPerRealOne) {
  EXPECT_EQ(Try("a", {.cru = 16}), "");
  EXPECT_EQ(Try("b", {.cru = 1}), fmt::format("{}cpu size 1 cores out of usable 0 cores", kCannot));
}

TEST_F(Reserving, TakesDisksOfBothKinds) {
  EXPECT_EQ(Try("a", {.sru = 100 * kGiB, .hru = 99 * kGiB}), "");
  EXPECT_EQ(Try("b", {.sru = 1}), fmt::format("{}ssd size 1 bytes out of usable 0 bytes", kCannot));
  EXPECT_EQ(Try("b", {.hru = kGiB + 1}),
            fmt::format("{}hdd size 1073741825 bytes out of usable 1073741824 bytes", kCannot));
}

TEST_F(Reserving, LeavesTheSystemAMarginOfRealMemory) {
  node_.memory_available = 1256 * kMiB;

  EXPECT_EQ(Try("a", {.mru = 1000 * kMiB + 1}),
            fmt::format("{}memory size 1048576001 bytes out of usable 1048576000 bytes", kCannot));
  EXPECT_EQ(Try("a", {.mru = 1000 * kMiB}), "");
}

TEST_F(Reserving, IsNotRepeatedForWhatRunsAlready) {
  ASSERT_EQ(Try("a", {.cru = 10, .sru = 60 * kGiB, .mru = 9 * kGiB}), "");
  node_.memory_available = 5 * kGiB;  // the rest is in use, by it

  EXPECT_EQ(Try("a", {.cru = 10, .sru = 60 * kGiB, .mru = 9 * kGiB}), "");
  EXPECT_EQ(Sum().mru, 9 * kGiB);
}

TEST_F(Reserving, OfAnUpdateAsksForTheIncreaseOnly) {
  ASSERT_EQ(Try("a", {.sru = 60 * kGiB}), "");

  EXPECT_EQ(Try("a", {.sru = 100 * kGiB}), "");
  EXPECT_EQ(Try("a", {.sru = 101 * kGiB}),
            fmt::format("{}ssd size 1073741824 bytes out of usable 0 bytes", kCannot));
  EXPECT_EQ(Sum().sru, 100 * kGiB) << "what was held stays";
  EXPECT_EQ(Try("a", {.sru = kGiB}), "");
  EXPECT_EQ(Sum().sru, kGiB);
}

TEST_F(Reserving, DoesNotWrapWhenMoreIsUsedThanThereIs) {
  ASSERT_EQ(Try("a", {.cru = 16, .sru = 90 * kGiB, .mru = 10 * kGiB}), "");
  node_.total = {.cru = 1, .sru = kGiB, .mru = kGiB};  // less than the system's own
  node_.memory_available = kMiB;

  auto const none = [](std::string_view what, std::string_view unit) {
    return fmt::format("{}{} size 1{} out of usable 0{}", kCannot, what, unit, unit);
  };
  EXPECT_EQ(Try("b", {.mru = 1}), none("memory", " bytes"));
  EXPECT_EQ(Try("b", {.cru = 1}), none("cpu", " cores"));
  EXPECT_EQ(Try("b", {.sru = 1}), none("ssd", " bytes"));
  EXPECT_EQ(Try("b", {}), "") << "what needs nothing fits";
}

TEST_F(Reserving, RefusesTheLargestNumberThereIs) {
  ASSERT_EQ(Try("a", {.sru = kGiB}), "");

  EXPECT_EQ(Try("b", {.sru = UINT64_MAX}),
            fmt::format("{}ssd size 18446744073709551615 bytes out of usable {} bytes", kCannot,
                        99 * kGiB));
}

TEST(Measuring, KeepsATenthOfTheMemoryButAtLeastTwoGiB) {
  testing::NoPlugins plugins;
  testing::FakeClock clock;

  auto const standard = CapacityMeter(plugins, clock, 0).Get();
  auto const configured = CapacityMeter(plugins, clock, 5 * kMiB).Get();

  EXPECT_EQ(standard.total.mru, sys::MemoryTotal());
  EXPECT_EQ(standard.system.mru, std::max(sys::MemoryTotal() / 10, 2 * kGiB));
  EXPECT_EQ(configured.system.mru, 5 * kMiB);
}

/// A node whose plugins may use half of what memory is free.
class MemoryTest : public EngineWorld {
 protected:
  MemoryTest() {
    auto const usable = sys::MemoryAvailable() / 2;
    options_.reserve_memory = sys::MemoryTotal() - usable;
    data_ = fmt::format(R"({{"memory":{}}})", usable / 10 * 6);
    Start();
  }
  std::string data_;  // of a workload that needs 60 % of it
};

TEST_F(MemoryTest, IsGivenToOneOfTwoThatWantItAtOnce) {
  ASSERT_TRUE(Deploy(1, {{"vm", "zmachine", 0, data_}}));
  ASSERT_TRUE(Deploy(2, {{"vm", "zmachine", 0, data_}}));
  Settle();

  bool const first = Shown(1) == std::vector<std::string>{"vm:ok:0"};
  auto const loser = first ? 2U : 1U;
  EXPECT_EQ(Shown(first ? 1 : 2), std::vector<std::string>{"vm:ok:0"});
  EXPECT_EQ(Shown(loser), std::vector<std::string>{"vm:error:0"});
  EXPECT_TRUE(MessageOf("vm", loser).starts_with(fmt::format("{}memory size ", kCannot)))
      << MessageOf("vm", loser);
  EXPECT_EQ(Held().size(), 1U);
}

TEST_F(MemoryTest, IsNotAskedForAgainByAnOperationThatRunsAgain) {
  auto const gate = std::make_shared<testing::Gate>();
  plugins_.Script(plugin::Op::kProvision, "vm", {testing::WaitsAt(gate)});
  ASSERT_TRUE(Deploy(kContract, {{"vm", "zmachine", 0, data_}}));
  ASSERT_TRUE(gate->WaitEntered());

  KillAndStart();
  Settle();
  EXPECT_EQ(Shown(), std::vector<std::string>{"vm:ok:0"});

  Reboot();
  Settle();
  EXPECT_EQ(Shown(), std::vector<std::string>{"vm:ok:0"}) << "nor by a restore";
}

}  // namespace
}  // namespace trellis::engine
