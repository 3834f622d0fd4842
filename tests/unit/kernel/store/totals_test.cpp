// What is counted without counting: it must follow every way in which rows come and go.
#include "tests/unit/kernel/store/store_fixture.hpp"

namespace trellis::store {
namespace {

class TotalsTest : public StoreFixture {
 protected:
  /// The deployment has this many workloads that are okay since then, and one that is not.
  void PutOkay(DeploymentKey key, int okay, std::int64_t since) {
    for (int i = 0; i < 4; ++i) {
      WorkloadRow row;
      row.key = key;
      row.name = fmt::format("w{}", i);
      row.type = "zmount";
      row.state = i < okay ? (i == 0 ? "paused" : "ok") : "error";
      row.created = since + (i < okay ? -i : 1000);
      ASSERT_TRUE(PutWorkload(*database_, row));
    }
  }
};

constexpr Capacity kSome{.cru = 1, .sru = 2, .hru = 3, .mru = 4, .ipv4u = 5};

TEST_F(TotalsTest, CountDeploymentsOfATwinAndOfAll) {
  AddDeployment({7, 1});
  AddDeployment({7, 2});
  AddDeployment({8, 3});
  AddDeployment({7, 2});  // again: an update

  auto const counts = CountDeployments(*database_, 7).value();

  EXPECT_EQ(counts.twin, 2);
  EXPECT_EQ(counts.all, 3);
}

TEST_F(TotalsTest, ForgetErasedDeployments) {
  AddDeployment({7, 1});
  AddDeployment({8, 2});
  AddWorkload({7, 1}, "disk");
  ASSERT_TRUE(PutReservation(*database_, {7, 1}, "disk", kSome));
  PutOkay({7, 1}, 1, 50);

  ASSERT_TRUE(EraseDeployment(*database_, {7, 1}, 1000));

  auto const totals = ReadTotals(*database_).value();
  EXPECT_EQ(totals.deployments, 1);
  EXPECT_EQ(totals.okay_deployments, 0);
  EXPECT_EQ(totals.okay_workloads, 0);
  EXPECT_EQ(totals.newest, 0);
  EXPECT_EQ(totals.reserved, Capacity{});
  EXPECT_EQ(CountDeployments(*database_, 7)->twin, 0);
}

TEST_F(TotalsTest, SumReservations) {
  AddDeployment(kKey);
  AddWorkload(kKey, "a");
  AddWorkload(kKey, "b");
  ASSERT_TRUE(PutReservation(*database_, kKey, "a", kSome));
  ASSERT_TRUE(PutReservation(*database_, kKey, "b", kSome));
  ASSERT_TRUE(PutReservation(*database_, kKey, "b", {.cru = 10, .mru = 1}));

  EXPECT_EQ(*SumReservations(*database_),
            (Capacity{.cru = 11, .sru = 2, .hru = 3, .mru = 5, .ipv4u = 5}));
  EXPECT_EQ(*FindReservation(*database_, kKey, "a").value(), kSome);
  ASSERT_TRUE(EraseReservation(*database_, kKey, "a"));
  ASSERT_TRUE(EraseWorkload(*database_, kKey, "b"));
  EXPECT_EQ(*SumReservations(*database_), Capacity{});
}

TEST_F(TotalsTest, CountOkayWorkloadsAndTheNewest) {
  AddDeployment({7, 1});
  AddDeployment({8, 2});
  PutOkay({7, 1}, 3, 50);
  PutOkay({8, 2}, 1, 60);
  PutOkay({7, 1}, 2, 55);

  auto totals = ReadTotals(*database_).value();
  EXPECT_EQ(totals.okay_deployments, 2);
  EXPECT_EQ(totals.okay_workloads, 3);
  EXPECT_EQ(totals.newest, 60);

  PutOkay({8, 2}, 0, 0);
  totals = ReadTotals(*database_).value();
  EXPECT_EQ(totals.okay_deployments, 1);
  EXPECT_EQ(totals.okay_workloads, 2);
  EXPECT_EQ(totals.newest, 55);
}

}  // namespace
}  // namespace trellis::store
