// The vector files hold nothing that these tests would pass over.
#include "tests/golden/schema.hpp"

#include "tests/golden/vectors.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace trellis::golden {
namespace {

TEST(Schema, EveryTableOfEveryFileHasATest) {
  for (auto const& name : KnownFiles()) {
    for (auto const& table : UnknownTables(name, File(name)))
      TellUnknown(fmt::format("no test knows the table '{}' of '{}'", table, name));
  }
}

TEST(Schema, TheFolderHoldsVectors) {
  auto const files = KnownFiles();
  EXPECT_TRUE(std::ranges::any_of(files, [](auto const& name) { return !File(name).empty(); }));
}

TEST(Schema, FormatsAreTheOnesThatTheTestsRead) {
  for (auto const* name : {"deployments.json", "upgrades.json"}) {
    auto const* format = File(name).if_contains("format");
    if (format != nullptr) {
      EXPECT_EQ(format->to_number<int>(), 1) << name;
    }
  }
}

TEST(Schema, UnknownColumnsAndTablesAreNoticed) {
  auto const row = boost::json::parse(R"({"name":"a","ok":true,"why":1,"deep":{"x":[{"y":0}]}})");
  EXPECT_EQ(UnknownColumns("deployments.json", "names", row),
            (std::vector<std::string>{"why", "deep.x[].y"}));
  auto const keys = boost::json::parse(R"({"7":{"type":"ed25519","hint":""}})");
  EXPECT_EQ(UnknownColumns("deployments.json", "twin_keys", keys),
            (std::vector<std::string>{"7.hint"}));
  auto const file =
      boost::json::parse(R"({"keys":[],"more":[],"transcripts":{"merlin":[],"other":[]}})");
  EXPECT_EQ(UnknownTables("sr25519.json", file.get_object()),
            (std::vector<std::string>{"more", "transcripts"}));
}

}  // namespace
}  // namespace trellis::golden
