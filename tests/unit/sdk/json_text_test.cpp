// JSON text is read as strictly as RFC 8259 says, and as the tree parser reads it.
#include <trellis/json.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace trellis::json {
namespace {

std::string Nested(std::size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

std::string Deep(std::size_t levels) {
  std::string text;
  for (std::size_t i = 0; i < levels; ++i)
    text += R"({"a":)";
  return text + "1" + std::string(levels, '}');
}

TEST(JsonText, GoodTextsPass) {
  std::vector<std::string> const good = {
      "0",
      "-0",
      "12",
      "1.5",
      "-1.25e+10",
      "0e0",
      " true ",
      "null",
      "\t\r\n[]",
      "[1, 2 ,3]",
      "1e308",
      "1e-400",
      "0e99999999999",
      "1e-99999999999",
      "0.00001e308",
      "1e-9223372036854775807",
      R"({"a":{},"b":[{}]})",
      R"("")",
      R"("\"\\\/\b\f\n\r\t\u0000\uD83D\ude00")",
      "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
      Nested(kMaxDepth),
      Deep(kMaxDepth)};
  for (auto const& text : good) {
    EXPECT_TRUE(Check(text)) << text;
    EXPECT_TRUE(ParseValue(text)) << text;
  }
}

TEST(JsonText, BadTextsAreRefused) {
  std::vector<std::string> const bad = {"",
                                        " ",
                                        "nul",
                                        "nullx",
                                        "tru",
                                        "01",
                                        "-",
                                        "-a",
                                        "+1",
                                        "1.",
                                        ".5",
                                        "1e",
                                        "1e+",
                                        "0x1",
                                        "NaN",
                                        "[",
                                        "[1",
                                        "[1,",
                                        "[1,]",
                                        "[,1]",
                                        "[1 2]",
                                        "]",
                                        "{",
                                        "{\"a\"",
                                        "{\"a\":",
                                        "{\"a\":1",
                                        "{\"a\":1,",
                                        "{\"a\":1,}",
                                        "{a:1}",
                                        "{\"a\" 1}",
                                        "{1:1}",
                                        "\"",
                                        "\"a",
                                        "\"\\",
                                        "\"\\x\"",
                                        "\"\\u12\"",
                                        "\"\\u12g4\"",
                                        "\"\\ud800\"",
                                        "\"\\ud800x\"",
                                        "\"\\ud800\\u0041\"",
                                        "\"\\udc00\"",
                                        "\"\x01\"",
                                        "\"\n\"",
                                        "\"\x80\"",
                                        "\"\xc0\x80\"",
                                        "\"\xc2\"",
                                        "\"\xe0\x9f\xbf\"",
                                        "\"\xed\xa0\x80\"",
                                        "\"\xf0\x8f\xbf\xbf\"",
                                        "\"\xf4\x90\x80\x80\"",
                                        "\"\xf5\x80\x80\x80\"",
                                        "\"\xff\"",
                                        "1 2",
                                        "{} {}",
                                        "[] x",
                                        "// c\n1",
                                        "'a'",
                                        "\xef\xbb\xbf{}",
                                        std::string("1\0", 2),
                                        Nested(kMaxDepth + 1),
                                        Deep(kMaxDepth + 1),
                                        "1e99999999999"};
  for (auto const& text : bad) {
    EXPECT_FALSE(Check(text)) << text;
    EXPECT_FALSE(ParseValue(text)) << text;
  }
}

TEST(JsonText, ErrorsSayWhere) {
  EXPECT_EQ(Check(R"({"a":[1,2 3]})").error().message,
            "invalid json: expected ',' or ']' at byte 10");
  EXPECT_EQ(Check("{} x").error().message, "invalid json: text after the value at byte 3");
  EXPECT_EQ(Check(Nested(kMaxDepth + 1)).error().message,
            "invalid json: too many levels at byte 64");
}

TEST(JsonText, NumbersKeepTheirKindInATree) {
  EXPECT_EQ(ParseValue("-9223372036854775808").value(), Value(INT64_MIN));
  EXPECT_EQ(ParseValue("18446744073709551615").value(), Value(UINT64_MAX));
  EXPECT_EQ(ParseValue("18446744073709551616").value(), Value(18446744073709551616.0));
  EXPECT_EQ(ParseValue("1.0").value(), Value(1.0));
  EXPECT_EQ(ParseValue("1e-400").value(), Value(0.0));
  EXPECT_EQ(ParseValue("0.0001e5").value(), Value(10.0));
}

TEST(JsonText, OfMembersWithOneKeyTheLastOneStaysInATree) {
  EXPECT_EQ(Dump(ParseValue(R"({"a":1,"b":2,"\u0061":{"a":3}})").value()),
            R"({"a":{"a":3},"b":2})");
}

TEST(JsonText, TakesNoMoreThanItsLimit) {
  std::string const spaces(kMaxBytes - 1, ' ');

  EXPECT_TRUE(Check(spaces + "1"));
  EXPECT_EQ(Check(spaces + " 1").error().message, "json text of 16777217 bytes is above 16777216");
  EXPECT_FALSE(Parse<int>(spaces + " 1"));
  EXPECT_FALSE(ParseValue(spaces + " 1"));
}

TEST(JsonText, EscapesResolveToUtf8) {
  EXPECT_EQ(Parse<std::string>(R"("a\u00e9\u20ac\ud83d\ude00\n\/")").value(),
            "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n/");
  EXPECT_EQ(Parse<std::string>(R"("\u0000x")").value(), std::string("\0x", 2));
}

TEST(JsonText, StringsAreWrittenAsTheTreeWriterDoes) {
  std::string all;
  for (int byte = 0; byte < 0x80; ++byte)
    all.push_back(static_cast<char>(byte));
  all += "\xc3\xa9\xe2\x82\xac";

  EXPECT_EQ(Dump(all), boost::json::serialize(Value(boost::json::string(all))));
  EXPECT_EQ(Parse<std::string>(Dump(all)).value(), all);
}

}  // namespace
}  // namespace trellis::json
