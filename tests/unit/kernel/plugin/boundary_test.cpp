// What a plugin answers is limited, repaired and normalised.
#include "tests/unit/kernel/plugin/plugin_lab.hpp"

#include <gmock/gmock.h>

#include <thread>

namespace trellis::plugin {
namespace {

class PluginBoundary : public ::testing::Test {
 protected:
  PluginBoundary() {
    lab_.Add("bare");
    lab_.Add("brief");
    manager_ = &lab_.Open();
  }
  OpAnswer Provision(std::string_view what) {
    return manager_->Run(Op::kProvision, RequestFor("bare", fmt::format("\"{}\"", what)),
                         CancelToken::Make());
  }
  PluginLab lab_;
  Manager* manager_ = nullptr;
};

TEST_F(PluginBoundary, ProvisionsAndReturnsTheResult) {
  auto const answer = Provision("x");
  EXPECT_EQ(answer.status, TRL_OK);
  EXPECT_EQ(answer.result, R"({"done":true})");
}

TEST_F(PluginBoundary, TakesUnknownSuccessAsOk) {
  EXPECT_EQ(Provision("status 42").status, TRL_OK);
}

TEST_F(PluginBoundary, TakesUnknownFailurePendingAndUnchangedAsFault) {
  EXPECT_EQ(Provision("status -99").status, TRL_FAULT);
  EXPECT_EQ(Provision("status 3").status, TRL_FAULT);
  EXPECT_EQ(Provision("status 2").status, TRL_FAULT);
  EXPECT_EQ(Provision("status -14").status, TRL_FAULT);
}

TEST_F(PluginBoundary, TurnsAnExceptionIntoAFault) {
  auto const answer = Provision("throw");
  EXPECT_EQ(answer.status, TRL_FAULT);
  EXPECT_EQ(answer.error, "thrown by provision");
}

TEST_F(PluginBoundary, CutsAndRepairsALongError) {
  auto const answer = Provision("long-error");
  EXPECT_EQ(answer.status, TRL_IO);
  EXPECT_LE(answer.error.size(), 4096U);
  EXPECT_GE(answer.error.size(), 4090U);
  EXPECT_TRUE(answer.error.starts_with("\xEF\xBF\xBDx"));
}

TEST_F(PluginBoundary, RefusesOneByteAbove16MiB) {
  EXPECT_EQ(Provision("big-result").status, TRL_EXHAUSTED);
}

TEST_F(PluginBoundary, CallsABrokenResultABreachOfContract) {
  auto const answer = Provision("not-json");
  EXPECT_EQ(answer.status, TRL_FAULT);
  EXPECT_EQ(answer.error, "plugin 'bare' broke the contract: the result is not one JSON value");
  EXPECT_EQ(Provision("big-handle").status, TRL_FAULT);
}

TEST_F(PluginBoundary, CancelsACall) {
  auto const cancel = CancelToken::Make();
  std::jthread const canceller([&] { cancel->Cancel(); });
  auto const answer = manager_->Run(Op::kProvision, RequestFor("bare", R"("wait")"), cancel);
  EXPECT_EQ(answer.status, TRL_CANCELLED);
}

TEST_F(PluginBoundary, CancelsACallAtTheDeadlineOfItsManifest) {
  auto const before = MonotonicNs();
  auto const answer = manager_->Run(Op::kProvision, RequestFor("brief", R"("wait")"), nullptr);
  EXPECT_EQ(answer.status, TRL_CANCELLED) << "it waits for nothing else";
  EXPECT_GE(MonotonicNs() - before, 1'000'000'000);
}

TEST_F(PluginBoundary, TakesAnUnknownObservationAsUnknown) {
  auto const seen = manager_->Inspect(RequestFor("bare", "{}"));
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ(seen->state, TRL_OBSERVED_UNKNOWN);
  EXPECT_EQ(seen->detail, "seen");
}

TEST_F(PluginBoundary, IgnoresAListThatHoldsNoWorkloadIds) {
  auto const owned = manager_->ListOwned("bare");
  ASSERT_FALSE(owned);
  EXPECT_EQ(owned.error().code, Code::kDecode);
}

TEST_F(PluginBoundary, ExaminesAgainstTheIncomingDocument) {
  grid::Deployment deployment;
  deployment.twin_id = 7;
  deployment.contract_id = 9;
  grid::Workload workload;
  workload.name = "w";
  workload.type = "bare";
  workload.data.text = R"("peer")";
  deployment.workloads.push_back(workload);

  auto const alone = manager_->Examine(deployment, workload, /*check_valid=*/true);
  grid::Workload peer = workload;
  peer.name = "peer";
  deployment.workloads.push_back(peer);
  auto const together = manager_->Examine(deployment, workload, /*check_valid=*/true);

  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().code, Code::kNotFound);
  ASSERT_TRUE(together) << together.error().message;
  EXPECT_EQ(together->challenge, R"("peer")");
  EXPECT_EQ(together->capacity.cru, 1U);
}

TEST_F(PluginBoundary, HandsReasonAndSentenceOfValidOn) {
  grid::Deployment const deployment;
  grid::Workload workload;
  workload.type = "bare";
  workload.data.text = R"("bad")";
  auto const seen = manager_->Examine(deployment, workload, /*check_valid=*/true);
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().message, "[bad] the data is bad");
}

TEST_F(PluginBoundary, AnswersUnavailableAfterStop) {
  manager_->Stop();
  EXPECT_EQ(Provision("x").status, TRL_UNAVAILABLE);
}

}  // namespace
}  // namespace trellis::plugin
