// A plugin's configuration is checked before its code sees it, wherever that runs.
#include "kernel/plugin/config_schema.hpp"
#include "tests/unit/kernel/plugin/plugin_lab.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace trellis::plugin {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class PluginConfiguration : public ::testing::Test {
 protected:
  PluginStatus With(std::string config, std::string const& name = "picky") {
    lab_.Add(name);
    lab_.config[name].config_json = std::move(config);
    lab_.Open();
    return lab_.StatusOf(name);
  }
  /// Its create says what it was given.
  [[nodiscard]] std::vector<std::string> Lines() {
    return lab_.manager().LastLines("picky").value();
  }
  PluginLab lab_;
};

TEST_F(PluginConfiguration, ReachesCreateWithAllDefaults) {
  EXPECT_EQ(With(R"({"rate":9})").state, "running");
  EXPECT_THAT(Lines(), Contains(HasSubstr(R"({"rate":9,"out":{"mode":"auto"}})")));
}

TEST_F(PluginConfiguration, IsFilledInWhereTheOperatorWroteNone) {
  lab_.Add("picky");
  lab_.Open();
  EXPECT_THAT(Lines(), Contains(HasSubstr(R"({"rate":8,"out":{"mode":"auto"}})")));
}

TEST_F(PluginConfiguration, FailsThePluginForAnUnknownKey) {
  auto const status = With(R"({"out":{"mood":"auto"}})");
  EXPECT_EQ(status.state, "failed");
  EXPECT_EQ(status.reason, "'plugin.picky.config.out.mood' is not known; known are mode");
  EXPECT_TRUE(Lines().empty()) << "create ran";
}

TEST_F(PluginConfiguration, FailsThePluginForAWrongValue) {
  auto const status = With(R"({"rate":"9"})");
  EXPECT_EQ(status.state, "failed");
  EXPECT_EQ(status.reason,
            "'plugin.picky.config.rate' is a text; allowed is a whole number from 1 to 64");
  EXPECT_TRUE(Lines().empty()) << "create ran";
}

TEST_F(PluginConfiguration, IsRefusedByAPluginWithoutSchema) {
  auto const status = With(R"({"rate":9})", "bare");
  EXPECT_EQ(status.state, "failed");
  EXPECT_THAT(status.reason, HasSubstr("'plugin.bare.config.rate' is not known"));
}

TEST_F(PluginConfiguration, IsListedWithoutSecrets) {
  With(R"({"rate":9,"key":"hunter2"})");
  auto const keys = lab_.manager().ConfigKeysOf("picky");
  ASSERT_EQ(keys.size(), 3U);
  EXPECT_EQ(keys[0].key, "rate");
  EXPECT_EQ(boost::json::serialize(keys[0].value), "9");
  EXPECT_EQ(boost::json::serialize(keys[1].value), R"("auto")");
  EXPECT_EQ(boost::json::serialize(keys[2].value), "\"(not shown)\"");
}

}  // namespace
}  // namespace trellis::plugin
