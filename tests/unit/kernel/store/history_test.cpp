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
    DeploymentRow deployment;
    deployment.key = kKey;
    EXPECT_TRUE(PutDeployment(*database_, deployment));
  }

  void Add(std::uint32_t version, std::string state) {
    WorkloadRow row;
    row.key = kKey;
    row.name = "vm";
    row.type = "zmachine";
    row.version = version;
    row.state = state;
    ASSERT_TRUE(AddChange(*database_, row, fmt::format("{}:{}", version, state)));
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

  ASSERT_TRUE(CompactChanges(*database_, kKey, "vm", 0));

  EXPECT_EQ(Entries(), (std::vector<std::string>{"0:init", "0:paused"}));
}

TEST_F(History, IsBounded) {
  Add(0, "init");
  for (int i = 0; i < 600; ++i)
    Add(0, i % 2 == 0 ? "unchanged" : "paused");

  auto const entries = Entries();
  EXPECT_LE(entries.size(), 65U);
  EXPECT_EQ(entries.front(), "0:init");
  EXPECT_EQ(entries.back(), "0:paused");
}

TEST_F(History, GoesWithItsDeploymentAndLeavesATombstone) {
  Add(0, "init");

  ASSERT_TRUE(EraseDeployment(*database_, kKey, 1000));

  EXPECT_TRUE(Entries().empty());
  EXPECT_FALSE(FindDeployment(*database_, kKey)->has_value());
}

TEST_F(History, RefusesAStoreOfANewerDaemon) {
  ASSERT_TRUE(database_->Exec("PRAGMA user_version = 99"));

  auto const refused = Migrate(*database_);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConflict);
}

}  // namespace
}  // namespace trellis::store
