#include "plugins/zmachine/entrypoint.hpp"

#include "plugins/zmachine/startup_toml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace trellis::plugins::zmachine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using Words = std::vector<std::string>;

TEST(Entrypoint, SplitsLikeAShell) {
  auto const words = SplitEntrypoint(R"(/bin/sh -c 'a b' "c\"d" e\ f #x)");

  EXPECT_EQ(words.value(), (Words{"/bin/sh", "-c", "a b", "c\"d", "e f"}));
}

TEST(Entrypoint, KeepsHashInsideWordAndGoesOnAfterComment) {
  EXPECT_EQ(SplitEntrypoint("a#b # c\n\td").value(), (Words{"a#b", "d"}));
}

TEST(Entrypoint, KeepsEmptyQuotedWord) {
  EXPECT_EQ(SplitEntrypoint("a '' \"\"").value(), (Words{"a", "", ""}));
}

TEST(Entrypoint, HasNoWordsWhenEmpty) {
  EXPECT_THAT(SplitEntrypoint(" \n").value(), IsEmpty());
}

TEST(Entrypoint, RefusesUnterminatedQuoteAndNul) {
  for (std::string const text : {"'abc", "\"abc", "a\\", "\"a\\"}) {
    auto const words = SplitEntrypoint(text);
    ASSERT_FALSE(words) << text;
    EXPECT_EQ(words.error().code, Code::kInvalid);
    EXPECT_EQ(words.error().message, "invalid entrypoint");
  }
  EXPECT_FALSE(SplitEntrypoint(std::string("a\0b", 3)));
}

TEST(Entrypoint, QuotesForShell) {
  EXPECT_EQ(QuoteForShell(""), "''");
  EXPECT_EQ(QuoteForShell("it's"), R"('it'"'"'s')");
}

TEST(StartupToml, GivesEntrypointEnvAndFolder) {
  auto const start = ParseStartupToml(R"(
[startup.entry]
name = "core.system"
[startup.entry.args]
name = "/bin/app"
args = ["a b", "say \"x\"", 'back\slash']
dir = "/srv"
[startup.entry.args.env]
KEY = "value"
)");

  EXPECT_EQ(SplitEntrypoint(start.value().entrypoint).value(),
            (Words{"/bin/app", "a b", "say \"x\"", "back\\slash"}));
  EXPECT_EQ(start->dir, "/srv");
  EXPECT_THAT(start->env, ElementsAre(Pair("KEY", "value")));
}

TEST(StartupToml, IsEmptyWithoutEntry) {
  EXPECT_EQ(ParseStartupToml("[other]\nx = 1\n").value().entrypoint, "");
}

TEST(StartupToml, RefusesDamagedTextAndUnknownKind) {
  for (auto const* text : {"[startup", "[startup.entry]\nname = \"core.other\"\n"}) {
    auto const start = ParseStartupToml(text);
    ASSERT_FALSE(start) << text;
    EXPECT_EQ(start.error().message, "failed to apply startup config from flist");
  }
}

}  // namespace
}  // namespace trellis::plugins::zmachine
