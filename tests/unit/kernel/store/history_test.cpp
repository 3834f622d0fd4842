// The visible history, by the rules that clients' wait loops rely on.
#include "kernel/store/records.hpp"
#include "kernel/store/schema.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

namespace trellis::store {
namespace {

class History : public ::testing::Test {
 protected:
  History() {
    database_ = Database::Open(dir_.path() / "trellis.db", Database::Mode::kReadWrite).value();
    EXPECT_TRUE(Migrate(*database_));
    EXPECT_TRUE(database_->Begin(Database::Transaction::kWrite));  // nothing here needs a sync
    DeploymentRow deployment;
    deployment.key = kKey;
    EXPECT_TRUE(PutDeployment(*database_, deployment));
  }

  static WorkloadRow Row(std::string name, std::uint32_t version, std::string state) {
    WorkloadRow row;
    row.key = kKey;
    row.name = std::move(name);
    row.type = "zmachine";
    row.version = version;
    row.state = std::move(state);
    return row;
  }
  void Add(std::uint32_t version, std::string const& state) {
    ASSERT_TRUE(
        AddChange(*database_, Row("vm", version, state), fmt::format("{}:{}", version, state)));
  }
  std::vector<std::string> Entries() { return ListChanges(*database_, kKey).value(); }

  static constexpr DeploymentKey kKey{7, 100};
  testing::TempDir dir_;
  std::unique_ptr<Database> database_;
};

TEST_F(History, HoldsOneOkForEachVersion) {
  for (auto const* state : {"init", "ok", "paused", "ok", "error", "ok"})
    Add(0, state);

  EXPECT_EQ(Entries(), (std::vector<std::string>{"0:init", "0:ok"}));
}

TEST_F(History, ReplacesTheNewestOfTheSameState) {
  Add(0, "init");
  Add(0, "error");
  Add(0, "error");

  EXPECT_EQ(Entries(), (std::vector<std::string>{"0:init", "0:error"}));
}

TEST_F(History, KeepsOlderVersions) {
  Add(0, "init");
  Add(0, "ok");
  Add(1, "ok");

  EXPECT_EQ(Entries(), (std::vector<std::string>{"0:init", "0:ok", "1:ok"}));
}

TEST_F(History, ShrinksToInitAndNewestWhenAnUpdateLeavesTheWorkloadAlone) {
  Add(0, "init");
  Add(0, "ok");
  Add(0, "paused");

  ASSERT_TRUE(CompactChanges(*database_, kKey, std::vector<NameVersion>{{"vm", 0}}));

  EXPECT_EQ(Entries(), (std::vector<std::string>{"0:init", "0:paused"}));
}

TEST_F(History, IsBounded) {
  Add(0, "init");
  for (int i = 0; i < 600; ++i)
    Add(0, i % 2 == 0 ? "unchanged" : "paused");

  auto const entries = Entries();
  EXPECT_EQ(entries.size(), 64U);
  EXPECT_EQ(entries.front(), "0:init");
  EXPECT_EQ(entries.back(), "0:paused");
}

TEST_F(History, KeepsTheInitOfThePresentVersionOfManyEntries) {
  for (std::uint32_t version = 0; version < 100; ++version)
    Add(version, "ok");
  Add(100, "init");
  for (int i = 0; i < 100; ++i)
    Add(100, i % 2 == 0 ? "unchanged" : "paused");

  auto const entries = Entries();
  EXPECT_EQ(entries.size(), 64U);
  EXPECT_EQ(entries.front(), "100:init");
}

TEST_F(History, OfADeploymentIsBoundedAndSparesWhatIsActive) {
  for (int i = 0; i < 60; ++i) {
    auto const name = fmt::format("active{}", i);
    ASSERT_TRUE(InsertWorkload(*database_, Row(name, 0, "ok")));
    ASSERT_TRUE(AddChange(*database_, Row(name, 0, "init"), name + ":init"));
    ASSERT_TRUE(AddChange(*database_, Row(name, 0, "ok"), name + ":ok"));
  }
  for (int i = 0; i < 300; ++i) {
    auto const name = fmt::format("gone{}", i);
    ASSERT_TRUE(AddChange(*database_, Row(name, 0, "ok"), name + ":ok"));
    ASSERT_TRUE(AddChange(*database_, Row(name, 0, "deleted"), name + ":deleted"));
  }

  auto const entries = Entries();
  EXPECT_EQ(entries.size(), 512U);
  EXPECT_EQ(entries[0], "active0:init");
  EXPECT_EQ(entries[119], "active59:ok");
  EXPECT_EQ(entries.back(), "gone299:deleted");
}

TEST_F(History, CompactsOnlyTheVersionsItIsTold) {
  Add(0, "ok");
  Add(0, "paused");
  Add(1, "ok");

  ASSERT_TRUE(CompactChanges(*database_, kKey, std::vector<NameVersion>{{"vm", 1}}));

  EXPECT_EQ(Entries(), (std::vector<std::string>{"0:ok", "0:paused", "1:ok"}));
}

TEST_F(History, GoesWithItsDeploymentAndLeavesATombstone) {
  Add(0, "init");

  ASSERT_TRUE(EraseDeployment(*database_, kKey, 1000));

  EXPECT_TRUE(Entries().empty());
  EXPECT_FALSE(FindDeployment(*database_, kKey)->has_value());
}

TEST_F(History, KeepsAThousandTombstones) {
  for (std::uint64_t contract = 1; contract <= 1010; ++contract)
    ASSERT_TRUE(EraseDeployment(*database_, {7, contract}, 1000));

  auto count = database_->Prepare("SELECT COUNT(*), MIN(contract) FROM tombstone");
  ASSERT_TRUE(count->Step().value());
  EXPECT_EQ(count->Int(0), 1000);
  EXPECT_EQ(count->Int(1), 11);
}

TEST_F(History, ForgetsTombstonesAfterADay) {
  ASSERT_TRUE(EraseDeployment(*database_, {7, 1}, 1000));
  ASSERT_TRUE(EraseDeployment(*database_, {7, 2}, 1000 + 24 * 3600 + 1));

  auto count = database_->Prepare("SELECT COUNT(*), MIN(contract) FROM tombstone");
  ASSERT_TRUE(count->Step().value());
  EXPECT_EQ(count->Int(0), 1);
  EXPECT_EQ(count->Int(1), 2);
}

TEST_F(History, RefusesAStoreOfANewerDaemon) {
  ASSERT_TRUE(database_->Exec("PRAGMA user_version = 99"));

  auto const refused = Migrate(*database_);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConflict);
}

}  // namespace
}  // namespace trellis::store
