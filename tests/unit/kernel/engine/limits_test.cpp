// Everything that a stranger can make grow, at its limit and one above.
#include "tests/support/engine/engine_world.hpp"
#include "tests/support/store_rows.hpp"

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
  /// As if the node had accepted so many deployments, of twins from `twin` on, each with a first
  /// job that waits for an hour or with nothing left to do. Before Start().
  enum class Left : std::uint8_t { kNothing, kApply };
  void Store(int count, std::uint32_t twin, int of_each_twin, Left left) {
    auto const stored = writer_->Commit([&](store::Database& db) -> Result<void> {
      for (int i = 0; i < count; ++i) {
        auto const number = static_cast<std::uint32_t>(i);
        auto const of_twin = static_cast<std::uint32_t>(of_each_twin);
        store::DeploymentKey const key{twin + number / of_twin, 100'000U + number};
        TRELLIS_CHECK(StoreOne(db, key, left));
      }
      return {};
    });
    ASSERT_TRUE(stored) << stored.error().message;
  }

 private:
  Result<void> StoreOne(store::Database& db, store::DeploymentKey key, Left left) {
    auto const document = ADocument(key.contract, 0, {{"vm"}}, key.twin);
    store::DeploymentRow row;
    row.key = key;
    row.doc = grid::ToJson(document);
    row.validated = true;
    row.created = row.updated = clock_.UnixSeconds();
    TRELLIS_CHECK(store::PutDeployment(db, row));
    if (left == Left::kNothing) return {};
    store::WorkloadRow workload;
    workload.key = key;
    workload.name = "vm";
    workload.type = "fake";
    workload.data = "{}";
    workload.state = grid::kStateInit;
    TRELLIS_CHECK(store::PutWorkload(db, workload));
    store::JobRow job;
    job.key = key;
    job.created = row.created;
    job.not_before = job.created + 3600;
    return store::AddJob(db, job).map([](auto) {});
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
  items.reserve(129);
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
  auto const deep = [&](std::size_t levels) {
    auto document = ADocument(kContract, 0, {{"vm"}});
    // The document, its list, the workload and its data are four levels.
    auto const lists = levels - 4;
    document.workloads.front().data.text =
        R"({"deep":)" + std::string(lists, '[') + std::string(lists, ']') + "}";
    return SaidOf(document);
  };

  EXPECT_TRUE(deep(65).starts_with("400 workloads: data: invalid json: too many levels"))
      << deep(65);
  EXPECT_EQ(deep(64), "null");
  Settle();
}

TEST_F(LimitsTest, OfTheContractIdHolds) {
  Start();
  EXPECT_EQ(SaidOf(ADocument(std::uint64_t{1} << 63, 0, {{"vm"}})),
            "400 contract id 9223372036854775808 is too large");
  EXPECT_EQ(SaidOf(ADocument((std::uint64_t{1} << 63) - 1, 0, {{"vm"}})), "null");
  Settle();
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

TEST_F(LimitsTest, OfQueuedJobsInAllIs4096) {
  Store(4096, /*twin=*/1000, /*of_each_twin=*/64, Left::kApply);
  Start();
  ASSERT_EQ(engine_->QueueDepth().all, 4096U);

  EXPECT_EQ(Said(Deploy(1, {{"vm"}})), "429 node is busy, try again later");
  EXPECT_EQ(Said(Deploy(2, {{"vm"}}, kOtherTwin)), "429 node is busy, try again later");
  EXPECT_TRUE(engine_->Remove({1000, 100'000}, "cancelled"))
      << "the node's own jobs are never refused";
  Until([&] { return engine_->QueueDepth().all == 4095; }, "one is gone");
  EXPECT_EQ(Said(Deploy(1, {{"vm"}})), "null");
}

TEST_F(LimitsTest, OfDeploymentsOfATwinIsAThousand) {
  Store(999, kTwin, /*of_each_twin=*/999, Left::kNothing);
  Start();

  EXPECT_EQ(Said(Deploy(1, {{"vm"}})), "null");
  EXPECT_EQ(Said(Deploy(2, {{"vm"}})), "409 too many deployments");
  EXPECT_EQ(Said(Deploy(3, {{"vm"}}, kOtherTwin)), "null");
  EXPECT_EQ(Said(Update(1, 1, {{"vm", "fake", 1}})), "null") << "what is there may change";
  Settle();
}

TEST_F(LimitsTest, OfDeploymentsOfTheNodeIsTenThousand) {
  Store(9999, /*twin=*/1000, /*of_each_twin=*/999, Left::kNothing);
  Start();

  EXPECT_EQ(Said(Deploy(1, {{"vm"}})), "null");
  EXPECT_EQ(Said(Deploy(2, {{"vm"}}, kOtherTwin)), "409 too many deployments");
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
