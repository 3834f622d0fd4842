// What an operator must know of the engine.
#include "kernel/engine/health.hpp"

#include "tests/support/engine/engine_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace trellis::engine {
namespace {

std::vector<std::string> Failing(std::vector<Check> const& checks) {
  std::vector<std::string> failing;
  for (auto const& check : checks) {
    if (!check.ok) failing.push_back(check.name + ": " + check.message);
  }
  return failing;
}

using Texts = std::vector<std::string>;

TEST(Health, OfAQuietEngineIsGood) {
  EXPECT_EQ(Failing(Judge(Snapshot{})), Texts{});
}

TEST(Health, TellsThatTheStoreCannotBeRead) {
  EXPECT_EQ(Failing(Judge(Fail(Code::kIo, "disk I/O error"))), Texts{"store: disk I/O error"});
}

TEST(Health, TellsOfOperationsThatNeverCameBack) {
  Snapshot snapshot;
  snapshot.wedged = 2;
  EXPECT_EQ(Failing(Judge(snapshot)), Texts{"wedged: 2 operations never came back"});
}

TEST(Health, TellsOfOperationsThatCrashedTooOften) {
  Snapshot snapshot;
  snapshot.journal.quarantined = 1;
  EXPECT_EQ(Failing(Judge(snapshot)), Texts{"steps: 1 operations crashed too often"});
}

TEST(Health, TellsOfARemovalThatFailedTenTimes) {
  Snapshot snapshot;
  snapshot.journal.most_failed_removal = 9;
  EXPECT_EQ(Failing(Judge(snapshot)), Texts{});
  snapshot.journal.most_failed_removal = 10;
  EXPECT_EQ(Failing(Judge(snapshot)), Texts{"removals: 10 tries of a removal failed"});
}

TEST(Health, TellsOfAJobThatWaitsForAQuarterOfAnHour) {
  Snapshot snapshot;
  snapshot.oldest_job_s = 899;
  EXPECT_EQ(Failing(Judge(snapshot)), Texts{});
  snapshot.oldest_job_s = 900;
  EXPECT_EQ(Failing(Judge(snapshot)), Texts{"queue: 900 seconds is the age of the oldest job"});
}

TEST(Health, TellsOfAReportThatWaitsForSixHours) {
  Snapshot snapshot;
  snapshot.outbox_age_s = 21599;
  EXPECT_EQ(Failing(Judge(snapshot)), Texts{});
  snapshot.outbox_age_s = 21600;
  EXPECT_EQ(Failing(Judge(snapshot)),
            Texts{"outbox: 21600 seconds is the age of the oldest report"});
}

TEST(Health, TellsOfResourcesThatWaitForSomebodysWord) {
  Snapshot snapshot;
  snapshot.orphans_seen = 3;
  EXPECT_EQ(Failing(Judge(snapshot)), Texts{}) << "those go by themselves";
  snapshot.orphans_held = true;
  EXPECT_EQ(Failing(Judge(snapshot)), Texts{"orphans: 3 resources are unknown to this new store"});
}

TEST(Health, TellsOfWorkloadsWithoutAPlugin) {
  Snapshot snapshot;
  snapshot.unloaded = {{"zdb", 2}, {"zmount", 5}};
  EXPECT_EQ(Failing(Judge(snapshot)),
            Texts{"types: plugin for type 'zdb' is not loaded, 2 workloads stay as they are; "
                  "plugin for type 'zmount' is not loaded, 5 workloads stay as they are"});
}

}  // namespace
}  // namespace trellis::engine
