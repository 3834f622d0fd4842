// What clients see, against the rows it is stored in.
#include "kernel/store/shown.hpp"

#include "tests/unit/kernel/store/store_fixture.hpp"

#include <algorithm>

namespace trellis::store {
namespace {

using ShownStore = StoreFixture;

/// What the client's answer is made of, as one text.
std::string TextOf(ShownWorkload const& w) {
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {}", w.rank, w.version, w.created, w.name,
                     w.type, w.data, w.metadata, w.description, w.state, w.message, w.result);
}

WorkloadRow Whole(DeploymentKey key, std::string name, std::uint32_t pos) {
  WorkloadRow row;
  row.key = key;
  row.name = std::move(name);
  row.type = "zmount";
  row.pos = pos;
  row.version = 3;
  row.data = R"({"size":1})";
  row.metadata = "meta";
  row.description = "words";
  row.state = "ok";
  row.message = "fine";
  row.created = 1700000000;
  row.result = R"({"id":"x"})";
  return row;
}

TEST_F(ShownStore, SaysOfAWorkloadWhatItsRowSays) {
  AddDeployment(kKey);
  auto const row = Whole(kKey, "disk", 5);
  ASSERT_TRUE(PutWorkload(*database_, row));

  std::vector<std::string> shown;
  ASSERT_TRUE(ShowWorkloads(*database_, kKey, [&](auto const& w) { shown.push_back(TextOf(w)); }));

  EXPECT_EQ(shown, std::vector{TextOf(Shown(row))});
  EXPECT_EQ(shown.front(),
            R"(5 3 1700000000 disk zmount {"size":1} meta words ok fine {"id":"x"})");
}

TEST_F(ShownStore, HasTheRankOfEveryWorkloadOfTheDeploymentOnly) {
  AddDeployment(kKey);
  AddDeployment({8, 100});
  ASSERT_TRUE(PutWorkload(*database_, Whole(kKey, "b", 0)));
  ASSERT_TRUE(PutWorkload(*database_, Whole(kKey, "a", 1)));
  ASSERT_TRUE(PutWorkload(*database_, Whole({8, 100}, "c", 2)));

  std::vector<std::pair<std::int64_t, std::string>> shown;
  ASSERT_TRUE(
      ShowWorkloads(*database_, kKey, [&](auto const& w) { shown.emplace_back(w.rank, w.name); }));

  EXPECT_EQ(shown, (std::vector<std::pair<std::int64_t, std::string>>{{0, "b"}, {1, "a"}}));
}

TEST_F(ShownStore, RanksTheHistoryByAge) {
  AddDeployment(kKey);
  for (auto const* const name : {"b", "a"}) {
    ASSERT_TRUE(PutWorkload(*database_, Whole(kKey, name, 0)));
    ASSERT_TRUE(AddChange(*database_, Whole(kKey, name, 0)));
  }

  std::vector<std::pair<std::int64_t, std::string>> shown;
  ASSERT_TRUE(
      ShowChanges(*database_, kKey, [&](auto const& w) { shown.emplace_back(w.rank, TextOf(w)); }));

  ASSERT_EQ(shown.size(), 2);
  std::sort(shown.begin(), shown.end());
  EXPECT_NE(shown[0].second.find(" b zmount {\"size\":1} meta words ok fine"), std::string::npos);
  EXPECT_NE(shown[1].second.find(" a zmount {\"size\":1} meta words ok fine"), std::string::npos);
}

TEST_F(ShownStore, ListsTheHeadersOfATwinByContract) {
  for (auto const key : {DeploymentKey{7, 102}, DeploymentKey{7, 101}, DeploymentKey{8, 103}}) {
    DeploymentRow row;
    row.key = key;
    row.header = fmt::format("header {}", key.contract);
    ASSERT_TRUE(PutDeployment(*database_, row));
  }

  std::vector<std::string> shown;
  ASSERT_TRUE(ShowHeaders(*database_, 7, [&](std::uint64_t contract, std::string_view header) {
    shown.push_back(fmt::format("{}: {}", contract, header));
  }));

  EXPECT_EQ(shown, (std::vector<std::string>{"101: header 101", "102: header 102"}));
  EXPECT_EQ(FindHeader(*database_, {8, 103}).value(), "header 103");
  EXPECT_EQ(FindHeader(*database_, {8, 104}).value(), std::nullopt);
}

}  // namespace
}  // namespace trellis::store
