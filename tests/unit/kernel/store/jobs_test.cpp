// The journal's rows.
#include "tests/unit/kernel/store/store_fixture.hpp"

namespace trellis::store {
namespace {

class Jobs : public StoreFixture {
 protected:
  Jobs() { AddDeployment(kKey); }

  static StepRow Step(std::string name, StepState state) {
    StepRow step;
    step.name = std::move(name);
    step.op = 1;
    step.state = state;
    step.generation = 1;
    step.holds = true;
    return step;
  }
  bool HasEqual(JobKind kind, std::string_view target = {}) {
    return FindEqualJob(*database_, kKey, kind, target)->has_value();
  }
};

TEST_F(Jobs, NeverReuseAnIdAndTakeTheirStepsAlong) {
  auto const first = AddJobOf(kKey, JobKind::kApply);
  ASSERT_TRUE(SetSteps(*database_, first, std::vector{Step("disk", StepState::kDone)}));

  ASSERT_TRUE(EraseJob(*database_, first));

  EXPECT_GT(AddJobOf(kKey, JobKind::kApply), first);
  EXPECT_TRUE(ListSteps(*database_, first)->empty());
}

TEST_F(Jobs, OfOneKindAndTargetAreEqual) {
  AddJobOf(kKey, JobKind::kRepair, "disk");

  EXPECT_TRUE(HasEqual(JobKind::kRepair, "disk"));
  EXPECT_FALSE(HasEqual(JobKind::kRepair, "vm"));
  EXPECT_FALSE(HasEqual(JobKind::kFail, "disk"));
}

TEST_F(Jobs, OfPauseAndResumeTheNewestCounts) {
  AddJobOf(kKey, JobKind::kPause);
  EXPECT_TRUE(HasEqual(JobKind::kPause));

  AddJobOf(kKey, JobKind::kResume);

  EXPECT_FALSE(HasEqual(JobKind::kPause));
  EXPECT_TRUE(HasEqual(JobKind::kResume));
}

TEST_F(Jobs, KeepTheirDocumentWhenTheDeploymentGetsANewOne) {
  auto const job = AddJobOf(kKey, JobKind::kApply);
  EXPECT_EQ(FindJob(*database_, job).value()->doc, "document");

  ASSERT_TRUE(KeepDocument(*database_, kKey, "document"));
  DeploymentRow row;
  row.key = kKey;
  row.doc = "newer";
  ASSERT_TRUE(PutDeployment(*database_, row));

  EXPECT_EQ(FindJob(*database_, job).value()->doc, "document");
}

TEST_F(Jobs, WithStepsSurviveTheRemovalOfTheOthers) {
  auto const started = AddJobOf(kKey, JobKind::kApply);
  ASSERT_TRUE(SetSteps(*database_, started, std::vector{Step("disk", StepState::kIntent)}));
  auto const queued = AddJobOf(kKey, JobKind::kApply);
  auto const removal = AddJobOf(kKey, JobKind::kRemove);

  EXPECT_EQ(*EraseUnstartedJobs(*database_, kKey, removal), std::vector<std::int64_t>{queued});
  EXPECT_EQ(ListJobs(*database_, kKey)->size(), 2U);
}

TEST_F(Jobs, StepsReadBackAsWrittenInTheirOrder) {
  auto const job = AddJobOf(kKey, JobKind::kApply);
  StepRow second{"b", 3, 1, StepState::kQuarantined, 2, 9'000'000'000, 4, false};
  StepRow first{"a", 1, 0, StepState::kWaiting, 1, 8, 5, true};
  ASSERT_TRUE(SetSteps(*database_, job, std::vector{second, first}));

  auto const steps = ListSteps(*database_, job);

  ASSERT_TRUE(steps) << steps.error().message;
  EXPECT_EQ(*steps, (std::vector{first, second}));
}

TEST_F(Jobs, OpenStepsSayWhatAPluginMayHold) {
  auto const job = AddJobOf(kKey, JobKind::kApply);
  auto removed = Step("c", StepState::kIntent);
  removed.holds = false;
  ASSERT_TRUE(SetSteps(*database_, job,
                       std::vector{Step("a", StepState::kIntent), Step("b", StepState::kDone),
                                   removed, Step("d", StepState::kWaiting)}));

  EXPECT_EQ(*ListHeld(*database_, kKey), (std::set<std::string, std::less<>>{"a", "d"}));
  EXPECT_TRUE(ListHeld(*database_, {kKey.twin, kKey.contract + 1})->empty());
}

TEST_F(Jobs, OfAnUnreadableJournalIsAnError) {
  auto const job = AddJobOf(kKey, JobKind::kApply);
  for (auto const* text :
       {"", "{}", "[1]", R"([["a",1,0,1,0,0,1]])", R"([["a",1,0,"1",0,0,1,1]])"}) {
    ASSERT_TRUE(database_->Exec(fmt::format("UPDATE job SET steps = '{}'", text)));
    EXPECT_EQ(ListSteps(*database_, job).error().code, Code::kIo) << text;
  }
}

TEST_F(Jobs, ReadBackAsWritten) {
  JobRow job;
  job.key = kKey;
  job.kind = JobKind::kFail;
  job.version = 3;
  job.doc = "d";
  job.target = "t";
  job.reason = "r";
  job.attempts = 4;
  job.crashes = 5;
  job.not_before = 6;
  job.created = 7;
  job.started = 8;
  job.error = "e";
  auto const id = AddJob(*database_, job).value();

  auto const read = FindJob(*database_, id)->value();

  EXPECT_EQ(read.kind, JobKind::kFail);
  EXPECT_EQ(std::tuple(read.version, read.doc, read.target, read.reason),
            std::tuple(3U, "d", "t", "r"));
  EXPECT_EQ(std::tuple(read.attempts, read.crashes, read.not_before, read.created, read.started,
                       read.error),
            std::tuple(4U, 5U, 6, 7, 8, "e"));
}

TEST_F(Jobs, AWorkloadReadsBackAsWritten) {
  AddWorkload(kKey, "disk");
  auto row = FindWorkload(*database_, kKey, "disk")->value();
  row.state = "ok";
  row.data = R"({"size":1})";
  row.eff_version = 0;
  row.eff_data = row.data;
  row.weight = 9;
  row.handle = std::string("a\0b", 3);
  ASSERT_TRUE(PutWorkload(*database_, row));

  EXPECT_EQ(FindWorkload(*database_, kKey, "disk")->value().eff_data, row.data);
  row.data = R"({"size":2})";
  ASSERT_TRUE(PutWorkload(*database_, row));

  auto const read = FindWorkload(*database_, kKey, "disk")->value();
  EXPECT_EQ(read.data, row.data);
  EXPECT_EQ(read.eff_data, R"({"size":1})");
  EXPECT_EQ(read.handle, row.handle);
  EXPECT_EQ(read.weight, 9);
}

TEST_F(Jobs, ASharedNameOutlivesTheRemovalOfAnOlderVersion) {
  ASSERT_TRUE(PutShared(*database_, kKey, "net", "network", 2));

  ASSERT_TRUE(EraseShared(*database_, kKey, "net", 1));
  EXPECT_TRUE(FindShared(*database_, kKey.twin, "net")->has_value());
  ASSERT_TRUE(EraseShared(*database_, kKey, "net", 2));
  EXPECT_FALSE(FindShared(*database_, kKey.twin, "net")->has_value());
}

TEST_F(Jobs, ASharedNameIsUsedByLeavingDeployments) {
  AddDeployment({7, 101});
  AddWorkload({7, 101}, "vm");
  ASSERT_TRUE(PutUse(*database_, {7, 101}, "vm", "net"));
  EXPECT_FALSE(*UsedByLeaving(*database_, kKey, "net"));

  ASSERT_TRUE(SetDesired(*database_, {7, 101}, Desired::kAbsent));

  EXPECT_TRUE(*UsedByLeaving(*database_, kKey, "net"));
}

}  // namespace
}  // namespace trellis::store
