// Changing a deployment's workloads in memory, and what is in the database afterwards.
#include "kernel/store/workload_set.hpp"

#include "kernel/store/shown.hpp"
#include "tests/unit/kernel/store/store_fixture.hpp"

namespace trellis::store {
namespace {

class Workloads : public StoreFixture {
 protected:
  Workloads() { AddDeployment(kKey); }

  static WorkloadRow Row(std::string name, std::string type = "zmount", std::uint32_t version = 0) {
    WorkloadRow row;
    row.key = kKey;
    row.name = std::move(name);
    row.type = std::move(type);
    row.version = version;
    row.state = "ok";
    row.data = fmt::format(R"({{"v":{}}})", version);
    return row;
  }
  std::int64_t Count(std::string_view sql) {
    auto statement = database_->Prepare(sql);
    return statement && statement->Step().value_or(false) ? statement->Int(0) : -1;
  }
  std::vector<std::string> OfType(std::string_view type, std::uint32_t twin = 0) {
    std::vector<std::string> ids;
    auto const rows = ListActiveByType(*database_, twin, type).value();
    for (auto const& row : rows)
      ids.push_back(row.id());
    return ids;
  }
};

TEST_F(Workloads, WriteNothingWithoutAChange) {
  AddWorkload(kKey, "disk");
  auto const before = database_->TotalChanges();

  ASSERT_TRUE(ChangeWorkloads(*database_, kKey, [](WorkloadSet& workloads) -> Result<void> {
    workloads.MarkOwned("no such");
    workloads.Move("disk", 0);
    return {};
  }));

  EXPECT_EQ(database_->TotalChanges(), before);
}

TEST_F(Workloads, AreListedInDocumentOrder) {
  ASSERT_TRUE(ChangeWorkloads(*database_, kKey, [](WorkloadSet& workloads) -> Result<void> {
    for (auto const* const name : {"c", "a", "b"})
      workloads.Put(Row(name));
    workloads.Move("c", 2);
    workloads.Move("b", 1);
    return {};
  }));

  auto const names = ListNames(*database_, kKey).value();
  ASSERT_EQ(names.size(), 3U);
  EXPECT_EQ(names[0].first + names[1].first + names[2].first, "abc");
}

TEST_F(Workloads, AreFoundByTypeAsLongAsThereAreAny) {
  AddDeployment({8, 101});
  ASSERT_TRUE(PutWorkload(*database_, Row("a", "zmount")));
  ASSERT_TRUE(PutWorkload(*database_, Row("b", "zdb")));
  auto other = Row("c", "zdb");
  other.key = {8, 101};
  ASSERT_TRUE(PutWorkload(*database_, other));

  EXPECT_EQ(OfType("zdb"), (std::vector<std::string>{"7-100-b", "8-101-c"}));
  EXPECT_EQ(OfType("zdb", 8), (std::vector<std::string>{"8-101-c"}));
  ASSERT_TRUE(EraseWorkload(*database_, kKey, "b"));
  EXPECT_EQ(OfType("zdb"), (std::vector<std::string>{"8-101-c"}));
  EXPECT_EQ(OfType("zmount", 7), (std::vector<std::string>{"7-100-a"}));
  ASSERT_TRUE(EraseDeployment(*database_, kKey, 1));
  ASSERT_TRUE(EraseDeployment(*database_, {8, 101}, 1));
  EXPECT_EQ(Count("SELECT COUNT(*) FROM deployment_type"), 0);
}

TEST_F(Workloads, InErrorOnlyAreNotActive) {
  auto row = Row("a");
  row.state = "error";
  ASSERT_TRUE(PutWorkload(*database_, row));
  EXPECT_TRUE(OfType("zmount").empty());

  ASSERT_TRUE(PutWorkload(*database_, Row("b", "zdb")));

  EXPECT_EQ(OfType("zmount"), (std::vector<std::string>{"7-100-a"}));
}

TEST_F(Workloads, KeepTheEntriesOfTheirPresentVersionWithThem) {
  ASSERT_TRUE(PutWorkload(*database_, Row("a")));
  ASSERT_TRUE(AddChange(*database_, Row("a")));
  EXPECT_EQ(Count("SELECT COUNT(*) FROM change"), 0);

  ASSERT_TRUE(PutWorkload(*database_, Row("a", "zmount", 1)));
  ASSERT_TRUE(AddChange(*database_, Row("a", "zmount", 1)));

  EXPECT_EQ(Count("SELECT COUNT(*) FROM change"), 1);
  auto const entries = ListChanges(*database_, kKey).value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].data, R"({"v":0})");
  EXPECT_EQ(entries[1].data, R"({"v":1})");
}

TEST_F(Workloads, ShowARefusedUpdateWithItsDataAlsoAfterASecondTry) {
  ASSERT_TRUE(PutWorkload(*database_, Row("a")));
  auto refused = Row("a", "zmount", 1);
  refused.state = "unchanged";
  refused.data = R"({"v":"refused"})";
  ASSERT_TRUE(AddChange(*database_, refused));

  ASSERT_TRUE(PutWorkload(*database_, Row("a", "zmount", 1)));
  ASSERT_TRUE(AddChange(*database_, Row("a", "zmount", 1)));

  auto const entries = ListChanges(*database_, kKey).value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].data, R"({"v":"refused"})");
  EXPECT_EQ(entries[1].data, R"({"v":1})");
}

TEST_F(Workloads, TakeTheirReservationAndTheirUsesAlong) {
  AddWorkload(kKey, "a");
  ASSERT_TRUE(PutReservation(*database_, kKey, "a", {.cru = 1}));
  ASSERT_TRUE(PutUse(*database_, kKey, "a", "net"));

  ASSERT_TRUE(EraseWorkload(*database_, kKey, "a"));

  EXPECT_FALSE(FindReservation(*database_, kKey, "a")->has_value());
  EXPECT_TRUE(ListUses(*database_, kKey)->empty());
}

TEST_F(Workloads, LeaveTheirHistoryInTheTombstone) {
  ASSERT_TRUE(PutWorkload(*database_, Row("a")));
  ASSERT_TRUE(AddChange(*database_, Row("a")));
  ASSERT_TRUE(PutWorkload(*database_, Row("a", "zmount", 1)));
  ASSERT_TRUE(AddChange(*database_, Row("a", "zmount", 1)));
  WorkloadSet workloads(kKey);
  ASSERT_TRUE(workloads.Load(*database_));
  auto deleted = Row("a", "zmount", 1);
  deleted.state = "deleted";
  deleted.message = R"(said "so")";
  ASSERT_TRUE(workloads.AddChange(*database_, deleted));
  ASSERT_TRUE(workloads.Erase(*database_, "a"));

  ASSERT_TRUE(workloads.EraseDeployment(*database_, 1));
  ASSERT_TRUE(workloads.Save(*database_));

  auto tombstone = database_->Prepare("SELECT history FROM tombstone");
  ASSERT_TRUE(tombstone->Step().value());
  EXPECT_EQ(
      tombstone->Text(0),
      R"([{"type":"zmount","name":"a","version":0,"result":{"created":0,"state":"ok","message":""}},)"
      R"({"type":"zmount","name":"a","version":1,"result":{"created":0,"state":"ok","message":""}},)"
      R"({"type":"zmount","name":"a","version":1,"result":{"created":0,"state":"deleted","message":"said \"so\""}}])");
  EXPECT_EQ(Count("SELECT COUNT(*) FROM change"), 0);
  EXPECT_EQ(Count("SELECT COUNT(*) FROM workloads"), 0);
  EXPECT_EQ(Count("SELECT COUNT(*) FROM status"), 0);
}

TEST_F(Workloads, HaveNoStatusBeforeAnythingBecameOfThem) {
  ASSERT_TRUE(ChangeWorkloads(*database_, kKey, [&](WorkloadSet& workloads) -> Result<void> {
    for (auto const* const name : {"a", "b"}) {
      auto row = Row(name);
      row.state = "init";
      row.created = 5;
      workloads.Put(row);
      TRELLIS_CHECK(workloads.AddChange(*database_, row));
    }
    return {};
  }));

  EXPECT_EQ(Count("SELECT COUNT(*) FROM status"), 0);
  auto const changes = ListChanges(*database_, kKey).value();
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(std::tuple(changes[1].name, changes[1].state, changes[1].created),
            std::tuple("b", "init", 5));
}

TEST_F(Workloads, AreNotWrittenAgainForTheirResults) {
  AddWorkload(kKey, "a");
  ASSERT_TRUE(database_->Exec(
      "CREATE TEMP TRIGGER never BEFORE UPDATE ON workloads BEGIN SELECT RAISE(ABORT, 'no'); END"));
  auto row = ListWorkloads(*database_, kKey)->front();
  row.state = "ok";
  row.result = "{}";

  EXPECT_TRUE(PutWorkload(*database_, row));
  EXPECT_TRUE(AddChange(*database_, row));
  row.data = "[]";
  EXPECT_FALSE(PutWorkload(*database_, row));
}

}  // namespace
}  // namespace trellis::store
