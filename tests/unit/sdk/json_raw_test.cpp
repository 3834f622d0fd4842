// JSON kept as text.
#include <trellis/json.hpp>

#include <gtest/gtest.h>

namespace trellis::json {

struct Holder {
  std::string name;
  Raw data;
};
BOOST_DESCRIBE_STRUCT(Holder, (), (name, data))

namespace {

Holder Decoded(std::string_view text) {
  return Parse<Holder>(text).value();
}

TEST(JsonRaw, KeepsTheTextVerbatim) {
  constexpr std::string_view kData =
      R"({ "b":18446744073709551616, "a" : [1.50, {"x":"}]\"\\"}], "b":2 })";

  auto const out = Decoded(R"({"data": )" + std::string(kData) + R"( ,"name":"n"})");

  EXPECT_EQ(out.data.text, kData);
  EXPECT_EQ(Dump(out), R"({"name":"n","data":)" + std::string(kData) + "}");
}

TEST(JsonRaw, IsEmptyForNullAndForNothing) {
  EXPECT_EQ(Decoded(R"({"data":{},"data":null})").data.text, "");
  EXPECT_EQ(Decoded("{}").data.OrNull(), "null");
  EXPECT_EQ(Dump(Holder{}), R"({"name":"","data":null})");
}

TEST(JsonRaw, TakesOnlyWellFormedJson) {
  EXPECT_FALSE(Parse<Holder>(R"({"data":{"a":01}})").has_value());
  EXPECT_FALSE(Parse<Holder>(R"({"data":{"a":"\ud800"}})").has_value());
  EXPECT_FALSE(Parse<Holder>("{\"data\":\"\xc3\"}").has_value());
}

TEST(JsonRaw, GivesItsContent) {
  auto const out = Decoded(R"({"data":{"name":"inner","data":5}})");

  EXPECT_EQ(out.data.As<Holder>()->name, "inner");
  EXPECT_EQ(out.data.As<int>().error().code, Code::kDecode);
  EXPECT_EQ(Raw{}.As<Holder>()->name, "");
}

TEST(JsonRaw, GoesIntoATreeAsWhatItHolds) {
  auto const tree = Encode(Decoded(R"({"data":{"a":[1]}})"));

  EXPECT_EQ(tree.at("data").at("a").at(0).as_int64(), 1);
}

}  // namespace
}  // namespace trellis::json
