// What plugins log, in the daemon's log.
#include "kernel/base/log.hpp"
#include "kernel/sys/files.hpp"
#include "tests/unit/kernel/plugin/plugin_lab.hpp"

#include <gmock/gmock.h>

namespace trellis::plugin {
namespace {

using ::testing::HasSubstr;

class PluginLog : public ::testing::Test {
 protected:
  /// The line that a plugin's words become.
  std::string LineOf(log::Format format, std::string const& fields) {
    auto const file = (dir_ / "log").string();
    EXPECT_TRUE(log::Configure(format, file));
    PluginLab lab;
    lab.Add("commander");
    lab.config["commander"] = {true, R"({"commands":[{"name":"zos.x.run"}]})", {}};
    auto const order =
        boost::json::object{{"what", "log"}, {"text", "the\ndisk"}, {"fields", fields}};
    EXPECT_TRUE(lab.Open().RunCommand("zos.x.run", 7, boost::json::serialize(order)));
    lab.manager().Stop();
    EXPECT_TRUE(log::Configure(log::Format::kText, ""));
    auto const text = sys::ReadFile(file).value();
    auto const begin = text.find("disk");
    return begin == std::string::npos ? text : text.substr(begin, text.find('\n', begin) - begin);
  }

  testing::TempDir dir_;
};

TEST_F(PluginLog, ShowsTheFieldsOfAPlugin) {
  EXPECT_EQ(LineOf(log::Format::kText, R"({"path":"/a b","free":5,"ok":true,"list":[1]})"),
            R"(disk plugin=commander path="/a b" free=5 ok=true list=[1])");
}

TEST_F(PluginLog, KeepsTheirKindsInJson) {
  EXPECT_THAT(LineOf(log::Format::kJson, R"({"path":"/a b","free":5})"),
              HasSubstr(R"(,"plugin":"commander","path":"/a b","free":5})"));
}

TEST(PluginLogTail, KeepsTheLastLinesOfEachPlugin) {
  PluginLab lab;
  lab.Add("commander");
  lab.config["commander"] = {true, R"({"commands":[{"name":"zos.x.run"}]})", {}};
  auto& manager = lab.Open();
  for (int i = 0; i < 60; ++i) {
    auto const order = boost::json::object{
        {"what", "log"}, {"text", fmt::format("event {}\nof 60", i)}, {"fields", R"({"free":5})"}};
    ASSERT_TRUE(manager.RunCommand("zos.x.run", 7, boost::json::serialize(order)));
  }

  auto const lines = manager.LastLines("commander");

  ASSERT_TRUE(lines) << lines.error().message;
  ASSERT_EQ(lines->size(), kKeptLogLines);
  EXPECT_THAT(lines->back(), HasSubstr(R"(event 59 of 60 {"free":5})"));
  EXPECT_EQ(manager.LastLines("nobody").error().code, Code::kNotFound);
}

TEST_F(PluginLog, LetsNoFieldPassForOneOfItsOwn) {
  EXPECT_EQ(LineOf(log::Format::kText, R"({"plugin":"network","level":"error"})"),
            "disk plugin=commander plugin_=network level_=error");
}

TEST_F(PluginLog, IsOneLineForEachEvent) {
  EXPECT_EQ(LineOf(log::Format::kText, R"({"a\nb=c d":"e\nf"})"),
            R"(disk plugin=commander a_b_c_d="e\nf")");
}

TEST_F(PluginLog, ShowsFieldsThatAreNoneAsTheyAre) {
  EXPECT_EQ(LineOf(log::Format::kText, "[1,"), "disk plugin=commander fields=[1,");
}

}  // namespace
}  // namespace trellis::plugin
