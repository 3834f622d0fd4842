#include "kernel/base/log.hpp"

#include "tests/support/temp_dir.hpp"

#include <trellis/json.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

namespace trellis::log {
namespace {

class LogTest : public ::testing::Test {
 protected:
  void TearDown() override {
    ASSERT_TRUE(Configure(Format::kText, ""));
    SetLevel(Level::kInfo);
  }

  /// What was written; a new Configure flushes the old output.
  std::string Written() {
    EXPECT_TRUE(Configure(Format::kText, ""));
    std::stringstream text;
    text << std::ifstream(file()).rdbuf();
    return text.str();
  }

  std::string file() { return (dir_ / "log").string(); }

  testing::TempDir dir_;
};

TEST_F(LogTest, JsonLinesParseAndKeepTypes) {
  ASSERT_TRUE(Configure(Format::kJson, file()));

  Warn("disk \"full\"", {{"path", "/a b\n"}, {"free", std::uint64_t{0}}, {"ok", false}, {"n", -3}});

  auto const line = json::ParseValue(Written());
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->at("level").as_string(), "warn");
  EXPECT_EQ(line->at("message").as_string(), "disk \"full\"");
  EXPECT_EQ(line->at("path").as_string(), "/a b\n");
  EXPECT_EQ(line->at("free").to_number<int>(), 0);
  EXPECT_EQ(line->at("ok").as_bool(), false);
  EXPECT_EQ(line->at("n").to_number<int>(), -3);
}

TEST_F(LogTest, TextQuotesWhatIsNotOneWord) {
  ASSERT_TRUE(Configure(Format::kText, file()));

  Info("started", {{"node", 7}, {"why", "two words"}, {"evil", "a\nb"}});

  auto const text = Written();
  EXPECT_NE(text.find("info  started node=7 why=\"two words\" evil=\"a\\nb\"\n"), std::string::npos)
      << text;
}

TEST_F(LogTest, DropsWhatIsBelowTheLevel) {
  ASSERT_TRUE(Configure(Format::kText, file()));
  SetLevel(Level::kWarn);

  Debug("a");
  Info("b");
  Error("c");
  Write(Level::kInfo, "d", {});

  auto const text = Written();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_FALSE(IsOn(Level::kInfo));
  EXPECT_TRUE(IsOn(Level::kWarn));
}

TEST_F(LogTest, TakesFieldsThatAreKnownAtRunTime) {
  ASSERT_TRUE(Configure(Format::kText, file()));
  std::vector<Field> const fields{{"node", 7}, {"why", "two words"}};

  Write(Level::kError, "stopped", fields);

  auto const text = Written();
  EXPECT_NE(text.find("error stopped node=7 why=\"two words\"\n"), std::string::npos) << text;
}

TEST_F(LogTest, WritesWholeLinesFromManyThreads) {
  ASSERT_TRUE(Configure(Format::kJson, file()));
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([t] {
        for (int i = 0; i < 100; ++i)
          Info("event", {{"thread", t}, {"i", i}});
      });
    }
  }

  std::istringstream lines(Written());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count)
    EXPECT_TRUE(json::ParseValue(line)) << line;
  EXPECT_EQ(count, 800);
}

TEST(Log, ParsesLevels) {
  EXPECT_EQ(ParseLevel("warn").value(), Level::kWarn);
  EXPECT_EQ(ParseLevel("loud").error().code, Code::kInvalid);
}

TEST(Log, RefusesAFileItCannotOpen) {
  auto const configured = Configure(Format::kText, "/proc/nonexistent/log");

  ASSERT_FALSE(configured);
  EXPECT_EQ(configured.error().code, Code::kIo);
}

}  // namespace
}  // namespace trellis::log
