#include "tools/load/options.hpp"

#include <gtest/gtest.h>

namespace trellis::load {
namespace {

TEST(LoadMix, TakesWeightsByKind) {
  auto const mix = ParseMix("deploy:70,get:20,update:5,delete:5");

  ASSERT_TRUE(mix) << mix.error().message;
  EXPECT_EQ(*mix,
            (Mix{{Kind::kDeploy, 70}, {Kind::kGet, 20}, {Kind::kUpdate, 5}, {Kind::kDelete, 5}}));
}

TEST(LoadMix, TakesOneKindWithoutWeight) {
  EXPECT_EQ(*ParseMix("version"), (Mix{{Kind::kVersion, 1}}));
}

TEST(LoadMix, NamesWhatItDoesNotKnow) {
  EXPECT_EQ(ParseMix("deploy:1,fly:2").error().message, "unknown kind of request 'fly'");
  EXPECT_EQ(ParseMix("get:0").error().message, "bad weight in 'get:0'");
  EXPECT_EQ(ParseMix("").error().message, "the mix is empty");
}

TEST(LoadKind, IsWrittenAsItIsRead) {
  for (auto const kind : {Kind::kDeploy, Kind::kUpdate, Kind::kDelete, Kind::kGet, Kind::kList,
                          Kind::kChanges, Kind::kStatistics, Kind::kVersion})
    EXPECT_EQ(*ParseKind(ToText(kind)), kind);
}

}  // namespace
}  // namespace trellis::load
