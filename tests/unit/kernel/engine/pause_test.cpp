// Grace periods.
#include "tests/support/engine/engine_world.hpp"

namespace trellis::engine {
namespace {

using plugin::Op;
using testing::Fails;
using testing::Gate;
using testing::WaitsAt;

using Texts = std::vector<std::string>;

constexpr store::DeploymentKey kKey{7, 100};

class PauseTest : public EngineWorld {
 protected:
  PauseTest() { Start(); }
  void PauseAndSettle() {
    BeginGrace();
    Settle();
  }
  void ResumeAndSettle() {
    EndGrace();
    Settle();
  }
};

TEST_F(PauseTest, GoesInReverseAndResumeForward) {
  DeployAndSettle({{"disk", "zmount"}, {"vm", "zmachine"}});
  plugins_.ForgetCalls();
  PauseAndSettle();
  EXPECT_EQ(Shown(), (Texts{"disk:paused:0", "vm:paused:0"}));
  EXPECT_EQ(MessageOf("vm"), "paused");
  ResumeAndSettle();

  EXPECT_EQ(plugins_.CallTexts(), (Texts{"pause vm", "pause disk", "resume disk", "resume vm"}));
  EXPECT_EQ(Shown(), (Texts{"disk:ok:0", "vm:ok:0"}));
  EXPECT_EQ(History(), (Texts{"disk:0:init", "vm:0:init", "disk:0:ok", "vm:0:ok"}))
      << "one ok per version";
}

TEST_F(PauseTest, SurvivesAReboot) {
  DeployAndSettle({{"vm", "zmachine"}});
  PauseAndSettle();
  plugins_.ForgetCalls();

  Reboot();
  Settle();

  EXPECT_EQ(Shown(), Texts{"vm:paused:0"});
  ASSERT_EQ(plugins_.CallTexts(), Texts{"provision vm"});
  EXPECT_TRUE(plugins_.Calls().front().request.paused);
  EXPECT_TRUE(plugins_.Calls().front().request.replay);
  EXPECT_TRUE(plugins_.Inventory().at("7-100-vm").paused);
  EXPECT_EQ(History(), (Texts{"vm:0:init", "vm:0:ok", "vm:0:paused"}));
}

TEST_F(PauseTest, BehindAQueuedDeployEndsPaused) {
  auto const gate = std::make_shared<Gate>();
  plugins_.Script(Op::kProvision, "a", {WaitsAt(gate)});
  ASSERT_TRUE(Deploy(kContract, {{"a"}, {"b"}}));
  ASSERT_TRUE(gate->WaitEntered());
  ASSERT_TRUE(Update(kContract, 1, {{"a"}, {"b"}, {"c", "fake", 1}}));
  BeginGrace();
  gate->Open();
  Settle();

  EXPECT_EQ(Shown(), (Texts{"a:paused:0", "b:paused:0", "c:paused:1"}));
  EXPECT_TRUE(plugins_.Calls()[2].request.paused) << "the queued update already knew";
}

TEST_F(PauseTest, OfSomethingMissingBringsItBackPaused) {
  DeployAndSettle({{"vm", "zmachine"}});
  plugins_.Lose("7-100-vm");
  PauseAndSettle();

  EXPECT_EQ(Shown(), Texts{"vm:paused:0"});
  EXPECT_TRUE(plugins_.Inventory().at("7-100-vm").paused);
}

TEST_F(PauseTest, ThatFailsInPartIsToldAndTriedThreeTimes) {
  DeployAndSettle({{"a"}, {"b"}});
  plugins_.Always(Op::kPause, "a", Fails(TRL_IO, "busy"));
  BeginGrace();
  for (std::uint32_t tries = 1; tries <= 3; ++tries) {
    if (tries > 1) Pass(std::chrono::seconds(5));
    UntilTried(tries);
    EXPECT_EQ(Shown(), (Texts{"a:ok:0", "b:paused:0"}));
  }

  EXPECT_EQ(History(),
            (Texts{"a:0:init", "b:0:init", "a:0:ok", "b:0:ok", "b:0:paused", "a:0:unchanged"}));
  EXPECT_EQ(Stored()->message, "workload 'a': busy");
  EXPECT_EQ(Jobs().front().not_before, clock_.UnixSeconds() + options_.sync_interval_s)
      << "from now on at the pace of syncs";
}

TEST_F(PauseTest, ThatFailsForLongHoldsUpNobodyAndIsNotForgotten) {
  DeployAndSettle({{"a"}});
  plugins_.Always(Op::kPause, "a", Fails(TRL_IO, "busy"));
  BeginGrace();
  for (std::uint32_t tries = 1; tries <= 3; ++tries) {
    if (tries > 1) Pass(std::chrono::seconds(5));
    UntilTried(tries);
  }
  ASSERT_TRUE(Update(kContract, 1, {{"a"}, {"b", "fake", 1}}));
  Until([&] { return Shown() == Texts{"a:ok:0", "b:paused:1"}; }, "the update is done");

  plugins_.Relent(Op::kPause, "a");
  Pass(std::chrono::seconds(options_.sync_interval_s));
  Settle();

  EXPECT_EQ(Shown(), (Texts{"a:paused:0", "b:paused:1"}));
}

TEST_F(PauseTest, ThatFailedIsNotTriedAgainAfterTheGracePeriod) {
  DeployAndSettle({{"a"}, {"b"}});
  plugins_.Script(Op::kPause, "a", {Fails(TRL_IO, "busy")});
  BeginGrace();
  UntilTried(1);
  EndGrace();
  Pass(std::chrono::seconds(5));
  Settle();

  EXPECT_EQ(Shown(), (Texts{"a:ok:0", "b:ok:0"}));
}

TEST_F(PauseTest, SixHundredTimesKeepsTheHistoryShort) {
  DeployAndSettle({{"a"}});
  for (int i = 0; i < 300; ++i) {
    PauseAndSettle();
    ResumeAndSettle();
  }

  EXPECT_EQ(History(), (Texts{"a:0:init", "a:0:ok"}));
}

TEST_F(PauseTest, AskedForTwiceIsDoneOnce) {
  DeployAndSettle({{"a"}});
  auto const gate = std::make_shared<Gate>();
  plugins_.Script(Op::kPause, "a", {WaitsAt(gate)});
  BeginGrace();
  ASSERT_TRUE(gate->WaitEntered());
  BeginGrace();
  EXPECT_EQ(Jobs().size(), 1U);
  EndGrace();
  BeginGrace();
  EXPECT_EQ(Jobs().size(), 3U) << "a resume in between counts";
  gate->Open();
  Settle();

  EXPECT_EQ(Shown(), Texts{"a:paused:0"});
}

TEST_F(PauseTest, EndsClientsThatCountOks) {
  DeployAndSettle({{"a"}, {"b"}});
  PauseAndSettle();
  ResumeAndSettle();
  Reboot();
  Settle();

  auto const history = History();
  auto const oks = std::count_if(history.begin(), history.end(),
                                 [](auto const& entry) { return entry.ends_with(":0:ok"); });
  EXPECT_EQ(oks, 2);
}

}  // namespace
}  // namespace trellis::engine
