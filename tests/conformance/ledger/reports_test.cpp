#include "tests/conformance/ledger/suite.hpp"

namespace trellis::ledger {
namespace {

ContractResources Use(std::uint64_t contract, std::uint64_t cru) {
  return {.contract = contract, .hru = 0, .sru = 0, .cru = cru, .mru = 0};
}

TEST_P(LedgerSuite, ReportOfAForeignContractRefusesTheWholeCall) {
  auto const own = Id(By(kAlice), Deploy(1));
  auto const foreign = DeployOnAnotherNode();

  EXPECT_EQ(Name(By(kNodeTwin), ReportResources{{Use(own, 1), Use(foreign, 1)}}),
            "NodeNotAuthorizedToComputeReport");

  EXPECT_FALSE(keeper_->ReportedResources(own));
}

TEST_P(LedgerSuite, ReportsOfUnknownContractsAreSkipped) {
  auto const own = Id(By(kAlice), Deploy(1));
  EXPECT_EQ(Name(By(kNodeTwin), ReportResources{{Use(999, 1), Use(own, 2)}}), "");

  EXPECT_EQ(keeper_->ReportedResources(own)->cru, 2);
}

TEST_P(LedgerSuite, NewestResourcesWin) {
  auto const own = Id(By(kAlice), Deploy(1));
  Name(By(kNodeTwin), ReportResources{{Use(own, 2)}});
  Name(By(kNodeTwin), ReportResources{{Use(own, 5)}});

  EXPECT_EQ(keeper_->ReportedResources(own)->cru, 5);
}

TEST_P(LedgerSuite, TwinWithoutNodeCannotReport) {
  auto const own = Id(By(kAlice), Deploy(1));
  EXPECT_EQ(Name(By(kAlice), ReportResources{{Use(own, 1)}}), "NodeNotExists");
}

TEST_P(LedgerSuite, WindowOfTrafficCountsOnce) {
  auto const own = Id(By(kAlice), Deploy(1));
  auto const now = static_cast<std::uint64_t>(clock_.now.load());
  NruReport const first{.contract = own, .timestamp = now, .window = 3600, .nru = 10};
  NruReport const next{.contract = own, .timestamp = now + 3600, .window = 3600, .nru = 5};

  EXPECT_EQ(Name(By(kNodeTwin), ReportNru{{first}}), "");
  EXPECT_EQ(Name(By(kNodeTwin), ReportNru{{first, next}}), "");

  EXPECT_EQ(keeper_->ReportedNru(own).value(), 15);
}

TEST_P(LedgerSuite, UptimeMustBeOfNow) {
  auto const now = clock_.now.load();

  EXPECT_EQ(Name(By(kNodeTwin), ReportUptime{.uptime = 5, .timestamp = now - 60}), "");
  EXPECT_EQ(Name(By(kNodeTwin), ReportUptime{.uptime = 5, .timestamp = now - 61}),
            "InvalidTimestampHint");
  EXPECT_EQ(Name(By(kNodeTwin), ReportUptime{.uptime = 5, .timestamp = now + 61}),
            "InvalidTimestampHint");
}

}  // namespace
}  // namespace trellis::ledger
