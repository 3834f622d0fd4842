// What no longer looks as it is stored.
#include "tests/support/engine/engine_world.hpp"

namespace trellis::engine {
namespace {

using plugin::Op;
using testing::Fails;

using Texts = std::vector<std::string>;

class RepairTest : public EngineWorld {
 protected:
  RepairTest() { Start(); }
  /// As a monitor of the plugin does.
  void Fail(std::string const& id) { ASSERT_TRUE(services_->ReportFailed(id, "it keeps dying")); }
  void LookAt(std::string const& id) {
    ASSERT_TRUE(services_->ReportObserved(id, TRL_OBSERVED_ABSENT, ""));
  }
};

TEST_F(RepairTest, BringsBackWhatIsGoneAndTellsNothing) {
  DeployAndSettle({{"vm", "zmachine"}});
  auto const before = History();
  plugins_.Lose("7-100-vm");
  LookAt("7-100-vm");
  Until([&] { return Held() == Texts{"7-100-vm"}; }, "it is back");
  Settle();

  EXPECT_EQ(Shown(), Texts{"vm:ok:0"});
  EXPECT_EQ(History(), before);
  EXPECT_EQ(plugins_.Created("7-100-vm"), 2);
}

TEST_F(RepairTest, ShowsAFailureOnlyAfterAMinuteAndGoesOn) {
  DeployAndSettle({{"vm", "zmachine"}});
  plugins_.Lose("7-100-vm");
  plugins_.Always(Op::kProvision, "vm", Fails(TRL_IO, "no disk"));
  LookAt("7-100-vm");
  for (auto const wait : {10, 20, 40}) {
    UntilParked();
    EXPECT_EQ(Shown(), Texts{"vm:ok:0"});
    EXPECT_EQ(Jobs().front().not_before, clock_.UnixSeconds() + wait);
    auto const calls = plugins_.Calls().size();
    Pass(std::chrono::seconds(wait));
    Until([&] { return plugins_.Calls().size() > calls; }, "the next try");
  }
  UntilParked();
  EXPECT_EQ(Shown(), Texts{"vm:error:0"});
  EXPECT_EQ(MessageOf("vm"), "no disk");

  plugins_.Relent(Op::kProvision, "vm");
  Pass(std::chrono::seconds(80));
  Settle();

  EXPECT_EQ(Shown(), Texts{"vm:ok:0"});
  EXPECT_EQ(History(), (Texts{"vm:0:init", "vm:0:ok"}));
}

TEST_F(RepairTest, LeavesAloneWhatCannotBeSeen) {
  DeployAndSettle({{"vm", "zmachine"}});
  plugins_.ForgetCalls();
  plugins_.Observe("vm", {{TRL_OBSERVED_ABSENT, ""}, {TRL_OBSERVED_UNKNOWN, "libvirt is away"}});
  LookAt("7-100-vm");
  Until([&] { return plugins_.Inspections() >= 2 && Jobs().empty(); }, "it was looked at");
  Settle();

  EXPECT_TRUE(plugins_.Calls().empty());
  EXPECT_EQ(Shown(), Texts{"vm:ok:0"});
}

TEST_F(RepairTest, TearsDownWhatAMonitorGaveUpAndTriesItAfterSixHours) {
  DeployAndSettle({{"d", "zmount", 0, R"({"size":600})"}});
  Fail("7-100-d");
  UntilParked();
  EXPECT_EQ(Shown(), Texts{"d:error:0"});
  EXPECT_EQ(MessageOf("d"), "it keeps dying");
  EXPECT_TRUE(Held().empty());
  EXPECT_FALSE(Row("d")->owned);
  EXPECT_EQ(Look([](store::Database& db) { return store::SumReservations(db); }).sru, 0U);

  Fail("7-100-d");
  Pass(std::chrono::hours(6));
  Settle();

  EXPECT_EQ(Shown(), Texts{"d:ok:0"});
  EXPECT_EQ(Look([](store::Database& db) { return store::SumReservations(db); }).sru, 600U);
  EXPECT_EQ(History(), (Texts{"d:0:init", "d:0:ok"}));
}

TEST_F(RepairTest, ReportedTwiceHappensOnce) {
  DeployAndSettle({{"vm", "zmachine"}});
  plugins_.Script(Op::kDeprovision, "vm", {Fails(TRL_UNAVAILABLE, "not now")});
  Fail("7-100-vm");
  UntilParked();
  Fail("7-100-vm");

  EXPECT_EQ(Jobs().size(), 1U);
}

TEST_F(RepairTest, GivesWayToAnUpdate) {
  DeployAndSettle({{"a", "fake", 0, R"({"text":"one"})"}});
  plugins_.Lose("7-100-a");
  plugins_.Always(Op::kProvision, "a", Fails(TRL_IO, "no"));
  LookAt("7-100-a");
  UntilParked();

  ASSERT_EQ(Said(Update(kContract, 1, {{"b", "fake", 1}})), "null");
  Until([&] { return Shown() == Texts{"b:ok:1"}; }, "the update is done");
  Pass(std::chrono::seconds(10));
  Settle();

  EXPECT_EQ(Held(), Texts{"7-100-b"});
}

}  // namespace
}  // namespace trellis::engine
