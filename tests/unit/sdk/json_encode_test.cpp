// C++ values are written as JSON text, the same text as by way of a tree.
#include <trellis/json.hpp>
#include <trellis/net.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace trellis::json {

struct Part {
  std::uint8_t small = 200;
  std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(Part, (), (small, note))

struct Whole {
  std::uint64_t big = std::numeric_limits<std::uint64_t>::max();
  std::int64_t low = std::numeric_limits<std::int64_t>::min();
  bool flag = true;
  double half = 0.5;
  std::string text = "a\"\\\n\x01\xc3\xa9";
  std::vector<Part> parts = {{1, "n"}, {2, {}}};
  std::map<std::string, std::uint32_t> counts = {{"b", 2}, {"a\"", 1}};
  std::vector<std::optional<int>> maybe = {std::nullopt, 3};
  IpNet net{IpAddress::V4({10, 0, 0, 1}), 8};
  IpAddress none;
  HexBytes hex{{0x0a, 0xff}};
  Value any = nullptr;
  std::string namespace_ = "n";
};
BOOST_DESCRIBE_STRUCT(Whole, (),
                      (big, low, flag, half, text, parts, counts, maybe, net, none, hex, any,
                       namespace_))

namespace {

TEST(JsonEncode, WritesEveryMemberInOrder) {
  EXPECT_EQ(
      Dump(Whole{}),
      R"({"big":18446744073709551615,"low":-9223372036854775808,"flag":true,"half":5E-1,)"
      R"("text":"a\"\\\n\u0001é","parts":[{"small":1,"note":"n"},{"small":2}],)"
      R"("counts":{"a\"":1,"b":2},"maybe":[null,3],"net":"10.0.0.1/8","none":"","hex":"0aff",)"
      R"("any":null,"namespace":"n"})");
}

TEST(JsonEncode, TextAndTreeAgree) {
  EXPECT_EQ(Dump(Whole{}), boost::json::serialize(Encode(Whole{})));
}

TEST(JsonEncode, EmptyThingsAreWritten) {
  EXPECT_EQ(Dump(Nothing{}), "{}");
  EXPECT_EQ(Dump(std::vector<int>{}), "[]");
  EXPECT_EQ(Dump(std::map<std::string, int>{}), "{}");
  EXPECT_EQ(Dump(std::optional<int>{}), "null");
}

TEST(JsonEncode, ComesBackAsItWas) {
  auto const back = Parse<Whole>(Dump(Whole{}));

  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(Dump(*back), Dump(Whole{}));
}

}  // namespace
}  // namespace trellis::json
