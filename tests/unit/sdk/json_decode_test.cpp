// Described structs are filled as the grid's Go clients expect, from text and from a tree.
#include <trellis/json.hpp>
#include <trellis/net.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace trellis::json {

struct Inner {
  std::string text;
  std::uint8_t small = 0;
};
BOOST_DESCRIBE_STRUCT(Inner, (), (text, small))

struct Outer {
  std::uint64_t size = 0;
  std::int64_t delta = 0;
  bool flag = false;
  std::string kind;
  Inner inner;
  std::optional<Inner> maybe;
  std::vector<Inner> list;
  std::map<std::string, std::string> env;
  IpAddress ip;
  IpNet net;
  HexBytes hex;
  Value any;
  bool public_ = false;
};
BOOST_DESCRIBE_STRUCT(Outer, (),
                      (size, delta, flag, kind, inner, maybe, list, env, ip, net, hex, any,
                       public_))

namespace {

Outer From(std::string_view text) {
  auto out = Parse<Outer>(text);
  EXPECT_TRUE(out.has_value()) << text << ": " << (out ? "" : out.error().message);
  return out.value_or(Outer{});
}

std::string ErrorOf(std::string_view text) {
  auto const out = Parse<Outer>(text);
  return out ? "" : out.error().message;
}

TEST(JsonDecode, UnknownKeysAreSkippedWhateverTheyHold) {
  EXPECT_EQ(From(R"({"__type":"x","extra":{"a":[1,{"b":null}]},"size":7})").size, 7U);
}

TEST(JsonDecode, KeysMatchExactlyFirstThenInAnyCase) {
  EXPECT_EQ(From(R"({"SIZE":7})").size, 7U);
  EXPECT_EQ(From(R"({"s\u0069ze":7})").size, 7U);
  EXPECT_EQ(From("{\"\xc5\xbfize\":7}").size, 7U) << "long s";
  EXPECT_EQ(From("{\"\xe2\x84\xaaind\":\"x\"}").kind, "x") << "kelvin sign";
  EXPECT_EQ(From(R"({"siz":7,"sizee":7,"":7})").size, 0U);
}

TEST(JsonDecode, MembersAreTakenInTextOrder) {
  EXPECT_EQ(From(R"({"size":1,"SIZE":2,"size":3})").size, 3U);
  EXPECT_EQ(From(R"({"size":3,"Size":2})").size, 2U);
  EXPECT_EQ(From(R"({"list":[{"small":1},{"small":2}],"list":[{"text":"a"}]})").list.size(), 1U);
}

TEST(JsonDecode, NullKeepsScalarsAndEmptiesTheRest) {
  auto const out = From(
      R"({"size":1,"flag":true,"kind":"k","inner":{"text":"t"},"maybe":{},"list":[{}],"env":{"a":"b"},
          "ip":"10.0.0.1","net":"10.0.0.0/8","hex":"00",
          "size":null,"flag":null,"kind":null,"inner":null,"maybe":null,"list":null,"env":null,
          "ip":null,"net":null,"hex":null})");

  EXPECT_EQ(out.size, 1U);
  EXPECT_TRUE(out.flag);
  EXPECT_EQ(out.kind, "k");
  EXPECT_EQ(out.inner.text, "t");
  EXPECT_FALSE(out.maybe.has_value());
  EXPECT_TRUE(out.list.empty());
  EXPECT_TRUE(out.env.empty());
  EXPECT_TRUE(out.ip.empty());
  EXPECT_FALSE(out.net.empty());
  EXPECT_TRUE(out.hex.bytes.empty());
}

TEST(JsonDecode, NullElementsAreZeroValues) {
  auto const out = From(R"({"list":[null,{"small":3}],"env":{"a":null}})");

  ASSERT_EQ(out.list.size(), 2U);
  EXPECT_EQ(out.list[0].small, 0);
  EXPECT_EQ(out.env.at("a"), "");
}

TEST(JsonDecode, IntegersAreExactAndInRange) {
  EXPECT_EQ(From(R"({"size":18446744073709551615})").size, UINT64_MAX);
  EXPECT_EQ(From(R"({"size":-0})").size, 0U);
  EXPECT_EQ(From(R"({"delta":-9223372036854775808})").delta, INT64_MIN);
  EXPECT_EQ(ErrorOf(R"({"size":18446744073709551616})"),
            "size: number 18446744073709551616 is out of range");
  EXPECT_EQ(ErrorOf(R"({"size":-1})"), "size: number -1 is out of range");
  EXPECT_EQ(ErrorOf(R"({"inner":{"small":256}})"), "inner: small: number 256 is out of range");
  EXPECT_EQ(ErrorOf(R"({"size":10.0})"), "size: expected integer, got 10.0");
  EXPECT_EQ(ErrorOf(R"({"size":1e3})"), "size: expected integer, got 1e3");
}

TEST(JsonDecode, OtherKindsAreRefusedWithTheirPath) {
  EXPECT_EQ(ErrorOf(R"({"size":"10"})"), "size: expected integer, got string");
  EXPECT_EQ(ErrorOf(R"({"flag":1})"), "flag: expected bool, got number");
  EXPECT_EQ(ErrorOf(R"({"kind":{}})"), "kind: expected string, got object");
  EXPECT_EQ(ErrorOf(R"({"list":{}})"), "list: expected array, got object");
  EXPECT_EQ(ErrorOf(R"({"env":[]})"), "env: expected object, got array");
  EXPECT_EQ(ErrorOf(R"({"env":{"a":1}})"), "env: a: expected string, got number");
  EXPECT_EQ(ErrorOf(R"({"list":[{"text":true}]})"), "list: text: expected string, got bool");
  EXPECT_EQ(ErrorOf(R"({"ip":5})"), "ip: expected string, got number");
  EXPECT_EQ(ErrorOf("[]"), "expected object, got array");
}

TEST(JsonDecode, KeywordsLoseTheirUnderscore) {
  EXPECT_TRUE(From(R"({"public":true})").public_);
  EXPECT_TRUE(From(R"({"PUBLIC":true})").public_);
  EXPECT_FALSE(From(R"({"public_":true})").public_);
}

TEST(JsonDecode, ATreeGivesTheSame) {
  constexpr std::string_view kText =
      R"({"size":5,"delta":-3,"flag":true,"kind":"k","inner":{"text":"\u00e9","small":255},
          "maybe":{"small":1},"list":[{"text":"a"},{}],"env":{"b":"2","a":"1"},"ip":"::1",
          "net":"10.1.2.3/16","hex":"0aFF","any":{"x":[1,2.5]},"public":true})";
  Outer out;

  ASSERT_TRUE(Decode(ParseValue(kText).value(), out));

  EXPECT_EQ(Dump(out), Dump(From(kText)));
  EXPECT_EQ(Decode(ParseValue(R"({"list":[{"small":300}]})").value(), out).error().message,
            "list: small: number 300 is out of range");
}

TEST(JsonDecode, ObjectsAreDemandedWhereSaid) {
  EXPECT_TRUE(ParseObject<Outer>(" {} ").has_value());
  EXPECT_EQ(ParseObject<Outer>("null").error().message, "expected object, got null");
  EXPECT_EQ(ParseObject<Outer>("[]").error().message, "expected object, got array");
  EXPECT_FALSE(ParseObject<Outer>("").has_value());
  EXPECT_TRUE(Parse<Outer>("null").has_value());
}

}  // namespace
}  // namespace trellis::json
