// What the engine makes of the ledger's events and of its list of contracts.
#include "kernel/engine/ledger_watch.hpp"

#include "tests/support/engine_parts.hpp"

#include <gmock/gmock.h>

namespace trellis::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

/// Remembers what is published.
class Listening final : public testing::NoPlugins {
 public:
  void Publish(std::string_view topic, std::string_view payload) override {
    published.push_back(fmt::format("{} {}", topic, payload));
  }
  std::vector<std::string> published;
};

class Watching : public ::testing::Test {
 protected:
  void SetUp() override {
    parts_.options.node_facts = R"({"node_id":1})";
    Restart();
  }
  void Restart() {
    LedgerOrders orders;
    orders.remove = [this](store::DeploymentKey key, std::string const& reason, Also const& also) {
      return Do(fmt::format("remove {}: {}", key.contract, reason), also);
    };
    orders.pause = [this](store::DeploymentKey key, Also const& also) {
      return Do(fmt::format("pause {}", key.contract), also);
    };
    orders.resume = [this](store::DeploymentKey key, Also const& also) {
      return Do(fmt::format("resume {}", key.contract), also);
    };
    watch_ = std::make_unique<LedgerWatch>(parts_.context(), std::move(orders));
  }
  Result<void> Do(std::string order, Also const& also) {
    if (crash_) return Fail(Code::kUnavailable, "the store does not work");
    orders_.push_back(std::move(order));
    return also ? parts_.writer->Commit(also) : Result<void>();
  }
  /// `count` contracts with their deployments, old enough to be compared.
  std::vector<std::uint64_t> Deploy(int count) {
    std::vector<std::uint64_t> contracts;
    for (int i = 0; i < count; ++i) {
      contracts.push_back(parts_.AddContract());
      parts_.AddDeployment({parts_.kUser, contracts.back()});
    }
    Age();
    return contracts;
  }
  void Age() { parts_.clock.Advance(std::chrono::seconds(61)); }
  void Cancel(std::uint64_t contract) {
    ASSERT_TRUE(parts_.Submit(parts_.kUser, ledger::CancelContract{contract}));
  }
  /// Deployments whose contracts the ledger never had.
  void DeployUnknown(std::uint64_t first, std::uint64_t count) {
    for (auto contract = first; contract < first + count; ++contract)
      parts_.AddDeployment({parts_.kUser, contract});
    Age();
  }
  std::string Cursor() {
    return parts_.Look([](store::Database& db) { return store::GetMeta(db, "ledger_cursor"); });
  }

  Listening plugins_;
  testing::EngineParts parts_{plugins_};
  std::vector<std::string> orders_;
  bool crash_ = false;
  std::unique_ptr<LedgerWatch> watch_;
};

TEST_F(Watching, RemovesWhatWasCancelledOnce) {
  auto const contracts = Deploy(2);
  Cancel(contracts[0]);

  ASSERT_TRUE(watch_->Follow());
  ASSERT_TRUE(watch_->Follow());

  EXPECT_THAT(orders_, ElementsAre(fmt::format("remove {}: contract canceled event received",
                                               contracts[0])));
}

TEST_F(Watching, FollowsGracePeriods) {
  auto const contracts = Deploy(1);
  ASSERT_TRUE(parts_.SubmitAsAdmin(ledger::StartGrace{contracts[0]}));
  ASSERT_TRUE(parts_.SubmitAsAdmin(ledger::EndGrace{contracts[0]}));

  ASSERT_TRUE(watch_->Follow());

  EXPECT_THAT(orders_, ElementsAre(fmt::format("pause {}", contracts[0]),
                                   fmt::format("resume {}", contracts[0])));
}

TEST_F(Watching, GoesOnAfterTheEventItHandledLast) {
  auto const contracts = Deploy(2);
  Cancel(contracts[0]);
  ASSERT_TRUE(watch_->Follow());
  orders_.clear();
  Restart();
  Cancel(contracts[1]);

  ASSERT_TRUE(watch_->Follow());

  EXPECT_THAT(orders_, ElementsAre(fmt::format("remove {}: contract canceled event received",
                                               contracts[1])));
}

TEST_F(Watching, MovesTheCursorOnlyWithTheJob) {
  auto const contracts = Deploy(1);
  ASSERT_TRUE(watch_->Follow());
  auto const before = Cursor();
  Cancel(contracts[0]);
  crash_ = true;
  EXPECT_FALSE(watch_->Follow());
  EXPECT_EQ(Cursor(), before);
  crash_ = false;
  Restart();

  ASSERT_TRUE(watch_->Follow());

  EXPECT_EQ(orders_.size(), 1U);
  EXPECT_NE(Cursor(), before);
}

TEST_F(Watching, LeavesOtherNodesAlone) {
  ledger::Account account;
  account.bytes.fill(9);
  auto const twin = parts_.Submit(0, ledger::CreateTwin{.account = account}).value();
  ledger::RegisterNode other;
  other.spec.farm_id = 1;
  auto const node = parts_.Submit(static_cast<std::uint32_t>(twin), other).value();
  ledger::CreateNodeContract call;
  call.node = static_cast<std::uint32_t>(node);
  call.hash = std::string(32, 'a');
  auto const contract = parts_.Submit(parts_.kUser, call).value();
  Cancel(contract);

  ASSERT_TRUE(watch_->Follow());

  EXPECT_THAT(orders_, IsEmpty());
}

TEST_F(Watching, TellsPluginsOfNamesAndOfTheNode) {
  auto const name = parts_.Submit(parts_.kUser, ledger::CreateNameContract{"example"}).value();
  Cancel(name);
  ledger::SetPublicConfig config;
  config.node = parts_.kNode;
  config.config.emplace();
  config.config->ip4 = {"185.69.166.20/24", "185.69.166.1"};
  ASSERT_TRUE(parts_.Submit(parts_.kFarmer, config));

  ASSERT_TRUE(watch_->Follow());

  ASSERT_EQ(plugins_.published.size(), 2U);
  EXPECT_EQ(plugins_.published[0],
            fmt::format(R"(ledger.name_canceled {{"contract_id":{}}})", name));
  EXPECT_TRUE(plugins_.published[1].starts_with(
      R"(node.changed {"node_id":1,"public_config":{"type":"macvlan","ipv4":"185.69.166.20/24",)"))
      << plugins_.published[1];
}

TEST_F(Watching, ASyncRemovesWhatTheLedgerDoesNotList) {
  Deploy(9);
  DeployUnknown(1000, 1);

  ASSERT_TRUE(watch_->Sync());

  EXPECT_THAT(orders_, ElementsAre("remove 1000: contract not active on chain"));
}

TEST_F(Watching, ASyncSparesWhatWasAcceptedJustNow) {
  Deploy(3);
  parts_.AddDeployment({parts_.kUser, 1000});

  ASSERT_TRUE(watch_->Sync());
  EXPECT_THAT(orders_, IsEmpty());

  Age();
  ASSERT_TRUE(watch_->Sync());
  EXPECT_THAT(orders_, ElementsAre("remove 1000: contract not active on chain"));
}

TEST_F(Watching, ASyncMakesUpForMissedGracePeriods) {
  auto const contracts = Deploy(3);
  ASSERT_TRUE(parts_.SubmitAsAdmin(ledger::StartGrace{contracts[0]}));
  parts_.Write([&](store::Database& db) {
    return store::SetDesired(db, {parts_.kUser, contracts[1]}, store::Desired::kPaused);
  });

  ASSERT_TRUE(watch_->Sync());

  EXPECT_THAT(orders_, UnorderedElementsAre(fmt::format("pause {}", contracts[0]),
                                            fmt::format("resume {}", contracts[1])));
}

TEST_F(Watching, ASyncLeavesAloneWhatIsBeingRemoved) {
  Deploy(3);
  DeployUnknown(1000, 1);
  parts_.Write([&](store::Database& db) {
    return store::SetDesired(db, {parts_.kUser, 1000}, store::Desired::kAbsent);
  });

  ASSERT_TRUE(watch_->Sync());

  EXPECT_THAT(orders_, IsEmpty());
}

TEST_F(Watching, AnEmptyListRemovesNothingAtOnce) {
  DeployUnknown(1000, 10);

  ASSERT_TRUE(watch_->Sync());
  parts_.clock.Advance(std::chrono::minutes(9));
  ASSERT_TRUE(watch_->Sync());

  EXPECT_THAT(orders_, IsEmpty());
}

TEST_F(Watching, AListThatLacksMostIsBelievedTheSecondTime) {
  DeployUnknown(1000, 4);
  ASSERT_TRUE(watch_->Sync());
  parts_.clock.Advance(std::chrono::minutes(10));

  ASSERT_TRUE(watch_->Sync());

  EXPECT_EQ(orders_.size(), 4U);
}

TEST_F(Watching, AListThatLacksOthersThanBeforeIsNotBelieved) {
  DeployUnknown(1000, 4);
  ASSERT_TRUE(watch_->Sync());
  parts_.clock.Advance(std::chrono::minutes(10));
  DeployUnknown(2000, 4);

  ASSERT_TRUE(watch_->Sync());

  EXPECT_THAT(orders_, IsEmpty());
}

TEST_F(Watching, CancelledContractsNeedNoSecondLook) {
  auto const contracts = Deploy(5);
  for (auto const contract : contracts)
    Cancel(contract);

  ASSERT_TRUE(watch_->Follow());

  EXPECT_EQ(orders_.size(), 5U);
}

TEST_F(Watching, AnOlderAnswerDoesNotCount) {
  DeployUnknown(1000, 1);
  parts_.Write([](store::Database& db) { return store::SetMeta(db, "ledger_height", "1000000"); });

  auto const done = watch_->Sync();

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kUnavailable);
  EXPECT_THAT(orders_, IsEmpty());
}

TEST_F(Watching, ComparesEverythingWhenEventsWereDropped) {
  auto const contracts = Deploy(3);
  DeployUnknown(1000, 1);
  parts_.Write([](store::Database& db) { return store::SetMeta(db, "ledger_cursor", "900000"); });
  Restart();

  ASSERT_TRUE(watch_->Follow());
  EXPECT_THAT(orders_, ElementsAre("remove 1000: contract not active on chain"));
  Cancel(contracts[0]);
  ASSERT_TRUE(watch_->Follow());
  EXPECT_EQ(orders_.size(), 2U) << "it follows from there";
}

}  // namespace
}  // namespace trellis::engine
