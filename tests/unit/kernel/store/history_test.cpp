// The visible history, by the rules that clients' wait loops rely on.
#include "kernel/store/records.hpp"
#include "kernel/store/schema.hpp"
#include "tests/support/store_rows.hpp"
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
    ASSERT_TRUE(AddChange(*database_, Row("vm", version, state)));
  }
  Result<void> Compact(std::vector<NameVersion> const& untouched) {
    return ChangeWorkloads(*database_, kKey, [&](WorkloadSet& workloads) {
      return workloads.CompactChanges(*database_, untouched);
    });
  }
  std::vector<std::string> Entries() {
    std::vector<std::string> texts;
    auto const rows = ListChanges(*database_, kKey).value();
    for (auto const& row : rows) {
      auto const name = row.name == "vm" ? "" : row.name + ":";
      texts.push_back(fmt::format("{}{}:{}", name, row.version, row.state));
    }
    return texts;
  }

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

  ASSERT_TRUE(Compact({{"vm", 0}}));

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
    ASSERT_TRUE(PutWorkload(*database_, Row(name, 0, "ok")));
    ASSERT_TRUE(AddChange(*database_, Row(name, 0, "init")));
    ASSERT_TRUE(AddChange(*database_, Row(name, 0, "ok")));
  }
  for (int i = 0; i < 300; ++i) {
    auto const name = fmt::format("gone{}", i);
    ASSERT_TRUE(AddChange(*database_, Row(name, 0, "ok")));
    ASSERT_TRUE(AddChange(*database_, Row(name, 0, "deleted")));
  }

  auto const entries = Entries();
  EXPECT_EQ(entries.size(), 512U);
  EXPECT_EQ(entries[0], "active0:0:init");
  EXPECT_EQ(entries[119], "active59:0:ok");
  EXPECT_EQ(entries.back(), "gone299:0:deleted");
}

TEST_F(History, CompactsOnlyTheVersionsItIsTold) {
  Add(0, "ok");
  Add(0, "paused");
  Add(1, "ok");

  ASSERT_TRUE(Compact({{"vm", 1}}));

  EXPECT_EQ(Entries(), (std::vector<std::string>{"0:ok", "0:paused", "1:ok"}));
}

TEST_F(History, KeepsTheDataOfEachVersion) {
  auto row = Row("vm", 0, "init");
  row.data = R"({"size":0})";
  row.metadata = "first";
  ASSERT_TRUE(PutWorkload(*database_, row));
  ASSERT_TRUE(AddChange(*database_, row));
  row.state = "ok";
  row.result = R"({"made":1})";
  ASSERT_TRUE(PutWorkload(*database_, row));
  ASSERT_TRUE(AddChange(*database_, row));
  auto refused = row;
  refused.version = 1;
  refused.state = "unchanged";
  refused.data = R"({"size":1})";
  ASSERT_TRUE(AddChange(*database_, refused));
  auto updated = row;
  updated.version = 2;
  updated.data = R"({"size":2})";
  updated.metadata = "";
  ASSERT_TRUE(PutWorkload(*database_, updated));
  ASSERT_TRUE(AddChange(*database_, updated));
  ASSERT_TRUE(EraseWorkload(*database_, kKey, "vm"));

  auto const entries = ListChanges(*database_, kKey).value();
  ASSERT_EQ(entries.size(), 4U);
  EXPECT_EQ(entries[0].data, R"({"size":0})");
  EXPECT_EQ(entries[0].metadata, "first");
  EXPECT_EQ(entries[0].result, "");
  EXPECT_EQ(entries[1].data, R"({"size":0})");
  EXPECT_EQ(entries[1].result, R"({"made":1})");
  EXPECT_EQ(entries[2].data, R"({"size":1})");
  EXPECT_EQ(entries[3].data, R"({"size":2})");
  EXPECT_EQ(entries[3].metadata, "");
}

TEST_F(History, KeepsTheResultOfEachEntry) {
  auto row = Row("vm", 0, "init");
  ASSERT_TRUE(PutWorkload(*database_, row));
  ASSERT_TRUE(AddChange(*database_, row));
  auto const put = [&](char const* state, char const* result) {
    row.state = state;
    row.result = result;
    ASSERT_TRUE(PutWorkload(*database_, row));
    ASSERT_TRUE(AddChange(*database_, row));
  };
  put("ok", R"({"ip":1})");
  put("error", "");
  put("paused", R"({"ip":2})");
  auto told = row;
  told.state = "deleted";
  told.result = R"({"ip":3})";
  ASSERT_TRUE(AddChange(*database_, told)) << "not what is stored";
  ASSERT_TRUE(EraseWorkload(*database_, kKey, "vm"));

  std::vector<std::string> results;
  auto const entries = ListChanges(*database_, kKey).value();
  for (auto const& entry : entries)
    results.push_back(entry.result);
  EXPECT_EQ(results,
            (std::vector<std::string>{"", R"({"ip":1})", "", R"({"ip":2})", R"({"ip":3})"}));
}

TEST_F(History, ShowsTheNewestResultOfARepeatedState) {
  auto row = Row("vm", 0, "ok");
  row.result = R"({"ip":1})";
  ASSERT_TRUE(PutWorkload(*database_, row));
  ASSERT_TRUE(AddChange(*database_, row));
  row.result = R"({"ip":2})";
  ASSERT_TRUE(PutWorkload(*database_, row));
  ASSERT_TRUE(AddChange(*database_, row));

  auto const entries = ListChanges(*database_, kKey).value();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].result, R"({"ip":2})");
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
