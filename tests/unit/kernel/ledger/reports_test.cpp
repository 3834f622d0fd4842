#include "tests/unit/kernel/ledger/world.hpp"

namespace trellis::ledger {
namespace {

class Reports : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    own_ = Id(By(kAlice), Deploy(1));
    auto const node = AddNode(kBob, kFarm);
    auto foreign = Deploy(1);
    foreign.node = ToId(node);
    foreign_ = Id(By(kAlice), foreign);
    ASSERT_NE(foreign_, 0);
  }

  static ContractResources Use(std::uint64_t contract, std::uint64_t cru) {
    return {.contract = contract, .hru = 0, .sru = 0, .cru = cru, .mru = 0};
  }

  std::uint64_t own_ = 0;
  std::uint64_t foreign_ = 0;
};

TEST_F(Reports, ResourcesOfAForeignContractRefuseTheWholeCall) {
  EXPECT_EQ(Name(By(kNodeTwin), ReportResources{{Use(own_, 1), Use(foreign_, 1)}}),
            "NodeNotAuthorizedToComputeReport");

  EXPECT_FALSE(ledger_->ReportedResources(own_));
}

TEST_F(Reports, UnknownContractsAreSkipped) {
  EXPECT_EQ(Name(By(kNodeTwin), ReportResources{{Use(999, 1), Use(own_, 2)}}), "");

  EXPECT_EQ(ledger_->ReportedResources(own_)->cru, 2);
}

TEST_F(Reports, NewestResourcesWin) {
  Name(By(kNodeTwin), ReportResources{{Use(own_, 2)}});
  Name(By(kNodeTwin), ReportResources{{Use(own_, 5)}});

  EXPECT_EQ(ledger_->ReportedResources(own_)->cru, 5);
}

TEST_F(Reports, TwinWithoutNodeCannotReport) {
  EXPECT_EQ(Name(By(kAlice), ReportResources{{Use(own_, 1)}}), "NodeNotExists");
}

TEST_F(Reports, AWindowCountsOnce) {
  auto const now = static_cast<std::uint64_t>(clock_.now.load());
  NruReport const first{.contract = own_, .timestamp = now, .window = 3600, .nru = 10};
  NruReport const next{.contract = own_, .timestamp = now + 3600, .window = 3600, .nru = 5};

  EXPECT_EQ(Name(By(kNodeTwin), ReportNru{{first}}), "");
  EXPECT_EQ(Name(By(kNodeTwin), ReportNru{{first, next}}), "");

  EXPECT_EQ(ledger_->ReportedNru(own_).value(), 15);
}

TEST_F(Reports, UptimeMustBeOfNow) {
  auto const now = clock_.now.load();

  EXPECT_EQ(Name(By(kNodeTwin), ReportUptime{.uptime = 5, .timestamp = now - 60}), "");
  EXPECT_EQ(Name(By(kNodeTwin), ReportUptime{.uptime = 5, .timestamp = now - 61}),
            "InvalidTimestampHint");
  EXPECT_EQ(Name(By(kNodeTwin), ReportUptime{.uptime = 5, .timestamp = now + 61}),
            "InvalidTimestampHint");
}

}  // namespace
}  // namespace trellis::ledger
