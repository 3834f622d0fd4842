// What plugins see of stored deployments.
#include "kernel/engine/kernel_services.hpp"

#include "tests/support/engine_parts.hpp"
#include "tests/support/no_plugins.hpp"

#include <trellis/json.hpp>

#include <gmock/gmock.h>

namespace trellis::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PluginsView : public ::testing::Test {
 protected:
  void SetUp() override {
    Add({3, 10}, "a", "ok");
    Add({3, 10}, "broken", "error");
    Add({3, 11}, "b", "paused");
    Add({3, 12}, "dead", "error");
    Add({4, 13}, "other", "init");
  }
  void Add(store::DeploymentKey key, std::string const& name, std::string const& state) {
    bool const known = parts_.Look([key](store::Database& db) -> Result<bool> {
      TRELLIS_TRY(auto const head, store::FindHead(db, key));
      return head.has_value();
    });
    if (!known) parts_.AddDeployment(key);
    parts_.AddWorkload(key, name, state);
  }
  std::vector<std::string> Ids(std::uint32_t twin, std::uint64_t contract,
                               std::vector<std::string_view> const& types) {
    auto const list = json::ParseValue(services_.WorkloadsByType(twin, contract, types).value());
    std::vector<std::string> ids;
    for (auto const& item : list->as_array())
      ids.emplace_back(item.at("id").as_string());
    return ids;
  }

  testing::NoPlugins plugins_;
  testing::EngineParts parts_{plugins_};
  KernelServicesOverStore services_{*parts_.writer, *parts_.readers, *parts_.ledger, parts_.kNode};
};

TEST_F(PluginsView, HoldsTheActiveDeploymentsOfATwin) {
  EXPECT_THAT(Ids(3, 0, {"disk"}), ElementsAre("3-10-a", "3-10-broken", "3-11-b"));
  EXPECT_THAT(Ids(4, 0, {"disk"}), ElementsAre("4-13-other"));
  EXPECT_THAT(Ids(5, 0, {"disk"}), IsEmpty());
}

TEST_F(PluginsView, HoldsEveryTwinsForThoseWhoMayAsk) {
  EXPECT_THAT(Ids(0, 0, {"disk"}), ElementsAre("3-10-a", "3-10-broken", "3-11-b", "4-13-other"));
}

TEST_F(PluginsView, HoldsOneDeploymentDuringAnEffect) {
  EXPECT_THAT(Ids(3, 12, {"disk"}), ElementsAre("3-12-dead"));
  EXPECT_THAT(Ids(4, 12, {"disk"}), IsEmpty()) << "the deployment of another twin";
}

TEST_F(PluginsView, HoldsTheTypesThatWereAskedFor) {
  EXPECT_THAT(Ids(3, 0, {"machine"}), IsEmpty());
  EXPECT_THAT(Ids(3, 0, {"machine", "disk"}).size(), 3U);
  EXPECT_THAT(Ids(3, 10, {"machine"}), IsEmpty());
}

TEST_F(PluginsView, TellsTheOwnerOfAName) {
  auto const contract = parts_.Submit(parts_.kUser, ledger::CreateNameContract{"example"}).value();

  EXPECT_EQ(
      services_.NameOwner("example").value(),
      fmt::format(R"({{"contract_id":{},"twin_id":3,"type":"name","state":"created"}})", contract));
  EXPECT_EQ(services_.NameOwner("nobodys").error().code, Code::kNotFound);
}

TEST_F(PluginsView, KnowsWhoRentsTheNode) {
  EXPECT_FALSE(services_.NodeRented(parts_.kUser));

  ASSERT_TRUE(parts_.Submit(parts_.kUser, ledger::CreateRentContract{parts_.kNode}));

  EXPECT_TRUE(services_.NodeRented(parts_.kUser));
  EXPECT_TRUE(services_.NodeRented(0));
  EXPECT_FALSE(services_.NodeRented(4));
}

TEST_F(PluginsView, KeepsWhatPluginsStoreApart) {
  ASSERT_TRUE(services_.KvPut("storage", "b", "1"));
  ASSERT_TRUE(services_.KvPut("storage", "a", "2"));
  ASSERT_TRUE(services_.KvPut("network", "a", "3"));

  EXPECT_EQ(services_.KvGet("storage", "a").value(), "2");
  EXPECT_THAT(services_.KvList("storage", "").value(), ElementsAre("a", "b"));
  EXPECT_EQ(services_.KvGet("flist", "a").error().code, Code::kNotFound);
  ASSERT_TRUE(services_.KvRemove("storage", "a"));
  EXPECT_EQ(services_.KvGet("storage", "a").error().code, Code::kNotFound);
  EXPECT_EQ(services_.KvGet("network", "a").value(), "3");
}

TEST_F(PluginsView, RefusesReportsWhileNobodyListens) {
  EXPECT_EQ(services_.ReportFailed("3-10-a", "why").error().code, Code::kUnavailable);
  EXPECT_EQ(services_.ReportObserved("3-10-a", 3, "gone").error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace trellis::engine
