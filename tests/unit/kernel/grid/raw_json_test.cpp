#include "kernel/grid/raw_json.hpp"

#include <gtest/gtest.h>

namespace trellis::grid {

struct Holder {
  static constexpr bool kHasRaw = true;
  std::string name;
  RawJson data;
  std::vector<std::uint32_t> numbers;
};
BOOST_DESCRIBE_STRUCT(Holder, (), (name, data, numbers))

namespace {

Holder Decoded(std::string_view text) {
  Holder out;
  EXPECT_TRUE(DecodeRaw(text, out).has_value()) << text;
  return out;
}

TEST(RawJson, KeepsTheTextVerbatim) {
  constexpr std::string_view kData =
      R"({ "b":18446744073709551616, "a" : [1.50, {"x":"}]\"\\"}], "b":2 })";

  EXPECT_EQ(Decoded(R"({"data":)" + std::string(kData) + R"( ,"name":"n"})").data.text, kData);
}

TEST(RawJson, LaterMembersWinAlsoInAnotherCase) {
  EXPECT_EQ(Decoded(R"({"name":"a","NAME":"b"})").name, "b");
  EXPECT_EQ(Decoded(R"({"NAME":"b","name":"a"})").name, "a");
}

TEST(RawJson, EscapesInKeysAndValuesAreResolved) {
  EXPECT_EQ(Decoded(R"({"n\u0061me":"\u00e9\n"})").name, "\u00e9\n");
}

TEST(RawJson, NullEmptiesListsAndRawValuesAndLeavesTexts) {
  auto const out = Decoded(R"({"name":"a","name":null,"numbers":[1],"numbers":null,"data":null})");

  EXPECT_EQ(out.name, "a");
  EXPECT_TRUE(out.numbers.empty());
  EXPECT_EQ(out.data.OrNull(), "null");
}

TEST(RawJson, ErrorsNameThePath) {
  Holder out;
  EXPECT_EQ(DecodeRaw(R"({"numbers":[1.0]})", out).error().message,
            "numbers: expected integer, got double");
  EXPECT_EQ(DecodeRaw(R"({"numbers":{}})", out).error().message, "numbers: expected array");
}

}  // namespace
}  // namespace trellis::grid
