// Everything that a stranger can make grow, at its limit and one above.
#include "tests/support/engine/engine_world.hpp"

namespace trellis::engine {
namespace {

using plugin::Op;
using testing::Gate;
using testing::WaitsAt;

class LimitsTest : public EngineWorld {
 protected:
  std::string SaidOf(grid::Deployment const& document) {
    return Said(engine_->Deploy(document.twin_id, Agreed(document)));
  }
};

TEST_F(LimitsTest, OfADocumentHold) {
  Start();
  auto document = ADocument(kContract, 0, {{"vm"}});
  auto text = Agreed(document);
  text.insert(text.size() - 1, std::string(grid::kMaxDocumentBytes + 1 - text.size(), ' '));
  EXPECT_EQ(Said(engine_->Deploy(kTwin, text)),
            "400 deployment of 1048577 bytes is larger than 1048576");

  document.workloads.front().data.text =
      fmt::format(R"({{"text":"{}"}})", std::string(grid::kMaxDataBytes - 10, 'x'));
  EXPECT_EQ(SaidOf(document), "400 data of workload 'vm' has 262145 bytes, more than 262144");

  std::vector<Item> items;
  for (int i = 0; i < 129; ++i)
    items.push_back({fmt::format("w{}", i)});
  EXPECT_EQ(SaidOf(ADocument(kContract, 0, items)), "400 129 workloads are more than 128");
  items.pop_back();
  EXPECT_EQ(SaidOf(ADocument(kContract, 0, items)), "null");
  Settle();
  EXPECT_EQ(Shown().size(), 128U);
}

TEST_F(LimitsTest, OfNestingHold) {
  Start();
  auto text = Agreed(ADocument(kContract, 0, {{"vm"}}));
  auto const data = text.find("{}");
  text.replace(data, 2, R"({"deep":)" + std::string(65, '[') + std::string(65, ']') + "}");

  EXPECT_TRUE(Said(engine_->Deploy(kTwin, text))
                  .starts_with("400 workloads: data: invalid json: too many levels"))
      << Said(engine_->Deploy(kTwin, text));
}

TEST_F(LimitsTest, OfTheContractIdHolds) {
  Start();
  EXPECT_EQ(SaidOf(ADocument(std::uint64_t{1} << 63, 0, {{"vm"}})),
            "400 contract id 9223372036854775808 is too large");
}

TEST_F(LimitsTest, OfQueuedUpdatesOfADeploymentIsSixteen) {
  Start();
  auto const gate = std::make_shared<Gate>();
  plugins_.Script(Op::kProvision, "vm", {WaitsAt(gate)});
  ASSERT_TRUE(Deploy(kContract, {{"vm"}}));
  ASSERT_TRUE(gate->WaitEntered());

  for (std::uint32_t version = 1; version <= 16; ++version)
    ASSERT_EQ(Said(Update(kContract, version, {{"vm", "fake", version}})), "null") << version;
  EXPECT_EQ(Said(Update(kContract, 17, {{"vm", "fake", 17}})), "429 node is busy, try again later");

  BeginGrace();  // the node's own jobs are never refused
  gate->Open();
  Settle();
  EXPECT_EQ(Shown(), std::vector<std::string>{"vm:paused:16"});
  EXPECT_EQ(Stored()->version, 16U);
}

TEST_F(LimitsTest, OfQueuedJobsOfATwinIsSixtyFour) {
  Start();
  auto const gate = std::make_shared<Gate>();
  plugins_.Always(Op::kProvision, "slow", WaitsAt(gate));
  for (std::uint64_t i = 0; i < 2; ++i)  // half of the workers
    ASSERT_TRUE(Deploy(1000 + i, {{"slow"}}));
  ASSERT_TRUE(gate->WaitEntered(2));
  for (std::uint64_t i = 0; i < 64; ++i)
    ASSERT_EQ(Said(Deploy(2000 + i, {{"vm"}})), "null") << i;

  EXPECT_EQ(Said(Deploy(3000, {{"vm"}})), "429 node is busy, try again later");
  EXPECT_EQ(Said(Deploy(3001, {{"vm"}}, kOtherTwin)), "null") << "others are not affected";
  gate->Open();
  Settle();
  EXPECT_EQ(Said(Deploy(3000, {{"vm"}})), "null");
  Settle();
}

TEST_F(LimitsTest, OfQueuedJobsInAllHolds) {
  options_.queue_total = 3;
  Start();
  auto const gate = std::make_shared<Gate>();
  plugins_.Always(Op::kProvision, "slow", WaitsAt(gate));
  for (std::uint64_t i = 0; i < 2; ++i)
    ASSERT_TRUE(Deploy(1000 + i, {{"slow"}}));
  ASSERT_TRUE(gate->WaitEntered(2));
  for (std::uint64_t i = 0; i < 3; ++i)
    ASSERT_EQ(Said(Deploy(2000 + i, {{"slow"}})), "null");

  EXPECT_EQ(Said(Deploy(3000, {{"vm"}}, kOtherTwin)), "429 node is busy, try again later");
  EXPECT_TRUE(engine_->Remove({kTwin, 2000}, "cancelled"));
  gate->Open();
  Settle();
}

TEST_F(LimitsTest, OfDeploymentsOfATwinHoldAcrossARestart) {
  options_.limit_twin = 2;
  Start();
  ASSERT_TRUE(Deploy(1, {{"vm"}}));
  ASSERT_TRUE(Deploy(2, {{"vm"}}));
  EXPECT_EQ(Said(Deploy(3, {{"vm"}})), "409 too many deployments");
  EXPECT_EQ(Said(Deploy(4, {{"vm"}}, kOtherTwin)), "null");

  Settle();
  Restart();
  EXPECT_EQ(Said(Deploy(3, {{"vm"}})), "409 too many deployments");
  ASSERT_TRUE(engine_->Remove({kTwin, 1}, "cancelled"));
  Settle();
  EXPECT_EQ(Said(Deploy(3, {{"vm"}})), "null");
  Settle();
}

TEST_F(LimitsTest, OfDeploymentsOfTheNodeHold) {
  options_.limit_node = 2;
  Start();
  ASSERT_TRUE(Deploy(1, {{"vm"}}));
  ASSERT_TRUE(Deploy(2, {{"vm"}}, kOtherTwin));

  EXPECT_EQ(Said(Deploy(3, {{"vm"}})), "409 too many deployments");
  Settle();
}

TEST_F(LimitsTest, LetAnotherTwinStartBeforeTheThirdJobOfABusyOne) {
  Start();
  auto const gate = std::make_shared<Gate>();
  plugins_.Always(Op::kProvision, "slow", WaitsAt(gate));
  for (std::uint64_t i = 0; i < 64; ++i)
    ASSERT_TRUE(Deploy(1000 + i, {{"slow"}}));
  ASSERT_TRUE(gate->WaitEntered(2));

  ASSERT_TRUE(Deploy(1, {{"vm"}}, kOtherTwin));
  Until([&] { return Shown(1, kOtherTwin) == std::vector<std::string>{"vm:ok:0"}; },
        "the other twin's is ok");
  EXPECT_EQ(plugins_.Calls().size(), 3U);
  gate->Open();
  Settle();
}

}  // namespace
}  // namespace trellis::engine
