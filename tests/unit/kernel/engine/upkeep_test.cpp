// What a look at everything leads to.
#include "kernel/engine/upkeep.hpp"

#include "tests/support/engine_parts.hpp"
#include "tests/support/inventory.hpp"

#include <gmock/gmock.h>

namespace trellis::engine {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Keeping : public ::testing::Test {
 protected:
  void SetUp() override { parts_.AddDeployment(key_); }
  /// A stored workload that really looks as `seen`.
  void Add(std::string const& name, std::string const& state, std::int32_t seen) {
    parts_.AddWorkload(key_, name, state);
    if (seen != TRL_OBSERVED_ABSENT) plugins_.Put(Id(name), seen);
  }
  [[nodiscard]] std::string Id(std::string const& name) const {
    return fmt::format("{}-{}-{}", key_.twin, key_.contract, name);
  }
  void Change(std::string const& name, std::function<void(store::WorkloadRow&)> const& change) {
    parts_.Write([&](store::Database& db) -> Result<void> {
      TRELLIS_TRY(auto row, store::FindWorkload(db, key_, name));
      change(*row);
      return store::PutWorkload(db, *row);
    });
  }
  std::unique_ptr<Upkeep> Make() {
    return std::make_unique<Upkeep>(parts_.context(), [this](store::JobRow const& job) {
      std::lock_guard const lock(mutex_);
      jobs_.push_back(fmt::format("{} {}: {}", store::ToText(job.kind), job.target, job.reason));
      queued_.notify_all();
      return Result<void>();
    });
  }
  void WaitForJob() {
    std::unique_lock lock(mutex_);
    queued_.wait(lock, [this] { return !jobs_.empty(); });
  }

  testing::Inventory plugins_;
  testing::EngineParts parts_{plugins_};
  store::DeploymentKey const key_{parts_.kUser, 9};
  std::mutex mutex_;  // guards jobs_
  std::condition_variable queued_;
  std::vector<std::string> jobs_;
};

TEST_F(Keeping, LeavesAloneWhatLooksAsStored) {
  Add("running", "ok", TRL_OBSERVED_RUNNING);
  Add("paused", "paused", TRL_OBSERVED_PAUSED);
  Add("unclear", "ok", TRL_OBSERVED_UNKNOWN);

  Make()->Round();

  EXPECT_THAT(jobs_, IsEmpty());
}

TEST_F(Keeping, RepairsWhatLooksDifferent) {
  Add("absent", "ok", TRL_OBSERVED_ABSENT);
  Add("drifted", "ok", TRL_OBSERVED_DRIFTED);
  Add("failed", "ok", TRL_OBSERVED_FAILED);
  Add("paused", "ok", TRL_OBSERVED_PAUSED);
  Add("running", "paused", TRL_OBSERVED_RUNNING);

  Make()->Round();

  EXPECT_THAT(jobs_, ::testing::UnorderedElementsAre("repair absent: seen", "repair drifted: seen",
                                                     "repair failed: seen", "repair paused: seen",
                                                     "repair running: seen"));
}

TEST_F(Keeping, TriesAgainWhatWasOkayOnce) {
  Add("broken", "error", TRL_OBSERVED_ABSENT);
  Add("never", "error", TRL_OBSERVED_ABSENT);
  Change("broken", [](auto& row) { row.eff_version = 0; });

  Make()->Round();

  EXPECT_THAT(jobs_, ElementsAre("repair broken: "));
}

TEST_F(Keeping, WaitsForTheNextTry) {
  Add("broken", "error", TRL_OBSERVED_ABSENT);
  auto const next = parts_.clock.UnixSeconds() + 10;
  Change("broken", [next](auto& row) {
    row.eff_version = 0;
    row.next_try = next;
  });
  auto const upkeep = Make();

  upkeep->Round();
  EXPECT_THAT(jobs_, IsEmpty());
  parts_.clock.Advance(seconds(10));
  upkeep->Round();
  EXPECT_EQ(jobs_.size(), 1U);
}

TEST_F(Keeping, ConcludesNothingFromAPluginThatIsAway) {
  Add("disk", "ok", TRL_OBSERVED_RUNNING);
  plugins_.SetAway(true);

  Make()->Round();

  EXPECT_THAT(jobs_, IsEmpty());
}

TEST_F(Keeping, CountsWorkloadsWhosePluginIsNotThere) {
  Add("disk", "ok", TRL_OBSERVED_RUNNING);
  parts_.Write([&](store::Database& db) -> Result<void> {
    for (auto const* name : {"a", "b"}) {
      store::WorkloadRow row;
      row.key = key_;
      row.name = name;
      row.type = "tape";
      row.state = "ok";
      TRELLIS_CHECK(store::PutWorkload(db, row));
    }
    return {};
  });
  auto const upkeep = Make();

  upkeep->Round();

  EXPECT_EQ(upkeep->unloaded(), (TypeCounts{{"tape", 2}}));
  EXPECT_EQ(plugins_.inspections(Id("disk")), 1);
  EXPECT_EQ(plugins_.inspections(Id("a")), 0);
  EXPECT_THAT(jobs_, IsEmpty());
}

TEST_F(Keeping, LooksAtEveryWorkloadOfManyPages) {
  std::vector<std::string> names;
  for (int i = 0; i < 600; ++i)
    names.push_back(fmt::format("disk{}", i));
  parts_.Write([&](store::Database& db) -> Result<void> {
    for (auto const& name : names) {
      store::WorkloadRow row;
      row.key = key_;
      row.name = name;
      row.type = "disk";
      row.state = "ok";
      row.eff_version = 0;
      TRELLIS_CHECK(store::PutWorkload(db, row));
    }
    return {};
  });
  for (auto const& name : names)
    plugins_.Put(Id(name));

  Make()->Round();

  for (auto const& name : names)
    EXPECT_EQ(plugins_.inspections(Id(name)), 1) << name;
  EXPECT_THAT(jobs_, IsEmpty());
}

TEST_F(Keeping, TellsPluginsOnceWhatIsStored) {
  Add("ok", "ok", TRL_OBSERVED_RUNNING);
  Add("broken", "error", TRL_OBSERVED_ABSENT);
  auto const upkeep = Make();

  upkeep->Round();
  upkeep->Round();

  EXPECT_EQ(plugins_.recoveries(), 1);
  EXPECT_THAT(plugins_.recovered(), ElementsAre(Id("broken"), Id("ok")));
}

TEST_F(Keeping, LooksAtOnceWhereAMonitorPoints) {
  Add("disk", "ok", TRL_OBSERVED_RUNNING);
  auto const upkeep = Make();
  upkeep->Start();
  while (upkeep->rounds() == 0)
    std::this_thread::yield();
  plugins_.Lose(Id("disk"));

  ASSERT_TRUE(upkeep->ReportObserved(Id("disk")));

  WaitForJob();
  EXPECT_THAT(jobs_, ElementsAre("repair disk: seen"));
}

TEST_F(Keeping, QueuesWhatAMonitorGaveUp) {
  auto const upkeep = Make();

  ASSERT_TRUE(upkeep->ReportFailed(Id("disk"), "it crashed 4 times"));

  EXPECT_THAT(jobs_, ElementsAre("fail disk: it crashed 4 times"));
  EXPECT_FALSE(upkeep->ReportFailed("nonsense", "why"));
}

TEST_F(Keeping, LooksAgainAfterTheInterval) {
  Add("disk", "ok", TRL_OBSERVED_RUNNING);
  auto const upkeep = Make();
  upkeep->Start();
  while (upkeep->rounds() == 0)
    std::this_thread::yield();
  plugins_.Lose(Id("disk"));

  while (upkeep->rounds() == 1)
    parts_.clock.Advance(seconds(60));

  WaitForJob();
  EXPECT_EQ(jobs_.front(), "repair disk: seen");
}

/// Orphans of a store that is not new.
class Orphaned : public Keeping {
 protected:
  void SetUp() override {
    Keeping::SetUp();
    upkeep_ = Make();
    upkeep_->Round();
  }
  void RoundAfter(std::int64_t wait) {
    parts_.clock.Advance(seconds(wait));
    upkeep_->Round();
  }
  std::unique_ptr<Upkeep> upkeep_;
  std::string const orphan_ = "3-777-disk";
};

TEST_F(Orphaned, GoAfterTwoSightingsAMinuteApart) {
  plugins_.Put(orphan_);

  upkeep_->Round();
  RoundAfter(59);
  EXPECT_TRUE(plugins_.Has(orphan_));
  RoundAfter(1);

  EXPECT_FALSE(plugins_.Has(orphan_));
  EXPECT_EQ(upkeep_->orphans().removed(), 1U);
}

TEST_F(Orphaned, AreSeenAnewAfterTheyWereGone) {
  plugins_.Put(orphan_);
  upkeep_->Round();
  plugins_.Lose(orphan_);
  RoundAfter(60);
  plugins_.Put(orphan_);

  RoundAfter(60);
  EXPECT_TRUE(plugins_.Has(orphan_));
  RoundAfter(60);
  EXPECT_FALSE(plugins_.Has(orphan_));
}

TEST_F(Orphaned, AreNotWhatAWorkloadOwns) {
  Add("ok", "ok", TRL_OBSERVED_RUNNING);
  Add("broken", "error", TRL_OBSERVED_DRIFTED);

  upkeep_->Round();
  RoundAfter(60);

  EXPECT_TRUE(plugins_.Has(Id("ok")));
  EXPECT_TRUE(plugins_.Has(Id("broken")));
}

TEST_F(Orphaned, AreWhatAWorkloadDoesNotOwnAnyMore) {
  Add("broken", "error", TRL_OBSERVED_RUNNING);
  Change("broken", [](auto& row) { row.owned = false; });

  upkeep_->Round();
  RoundAfter(60);

  EXPECT_FALSE(plugins_.Has(Id("broken")));
}

TEST_F(Orphaned, StayWhileSomethingIsRestored) {
  plugins_.Put(orphan_);
  store::JobRow job;
  job.key = key_;
  job.kind = store::JobKind::kRestore;
  parts_.Write([&](store::Database& db) -> Result<void> {
    TRELLIS_TRY(job.id, store::AddJob(db, job));
    return {};
  });
  upkeep_->Round();
  RoundAfter(60);
  EXPECT_TRUE(plugins_.Has(orphan_));

  parts_.Write([&](store::Database& db) { return store::EraseJob(db, job.id); });
  RoundAfter(60);

  EXPECT_FALSE(plugins_.Has(orphan_));
}

TEST_F(Orphaned, AreTriedAgainWhenTheyDoNotGo) {
  plugins_.Put(orphan_);
  plugins_.SetStuck(true);
  upkeep_->Round();
  RoundAfter(60);
  EXPECT_EQ(upkeep_->orphans().removed(), 0U);
  plugins_.SetStuck(false);

  RoundAfter(60);
  RoundAfter(60);

  EXPECT_FALSE(plugins_.Has(orphan_));
}

TEST_F(Keeping, ANewStoreKeepsOrphansUntilSomebodyConfirms) {
  plugins_.Put("3-777-disk");
  auto const upkeep = Make();

  for (int i = 0; i < 3; ++i) {
    upkeep->Round();
    parts_.clock.Advance(seconds(60));
  }
  EXPECT_TRUE(plugins_.Has("3-777-disk"));
  EXPECT_TRUE(upkeep->orphans().held());
  ASSERT_TRUE(upkeep->orphans().Confirm());
  upkeep->Round();

  EXPECT_FALSE(plugins_.Has("3-777-disk"));
  EXPECT_FALSE(upkeep->orphans().held());
}

TEST_F(Keeping, ANewStoreOfANodeThatHoldsNothingNeedsNoConfirmation) {
  auto const upkeep = Make();
  upkeep->Round();
  plugins_.Put("3-777-disk");
  upkeep->Round();
  parts_.clock.Advance(seconds(60));

  upkeep->Round();

  EXPECT_FALSE(plugins_.Has("3-777-disk"));
}

}  // namespace
}  // namespace trellis::engine
