#include "kernel/plugin/config_schema.hpp"

#include <gtest/gtest.h>

namespace trellis::plugin {
namespace {

json::Value Json(std::string_view text) {
  return json::ParseValue(text).value();
}

std::string Mismatch(std::string_view schema, std::string_view value) {
  return SchemaMismatch(Json(schema), Json(value), "config");
}

std::string Unsound(std::string_view schema) {
  auto const sound = CheckSchema(Json(schema));
  return sound ? "" : sound.error().message;
}

std::string Checked(std::string_view schema, std::string_view config) {
  auto const checked = CheckedConfig(schema, config, "plugin.lamp.config");
  return checked ? *checked : checked.error().message;
}

TEST(SchemaMismatch, NamesPathValueAndWhatIsAllowed) {
  EXPECT_EQ(Mismatch(R"({"properties":{"a":{"type":"integer","minimum":0,"maximum":64}}})",
                     R"({"a":65})"),
            "'config.a' is 65; allowed is a whole number from 0 to 64");
  EXPECT_EQ(Mismatch(R"({"properties":{"a":{"properties":{"b":{"type":"boolean"}}}}})",
                     R"({"a":{"b":1}})"),
            "'config.a.b' is 1; allowed is true or false");
  EXPECT_EQ(Mismatch(R"({"type":"array","items":{"type":"integer","minimum":1}})", "[1,0]"),
            "'config[1]' is 0; allowed is a whole number of at least 1");
  EXPECT_EQ(Mismatch(R"({"enum":["a","b"]})", R"("c")"),
            R"('config' is "c"; allowed is one of "a", "b")");
}

TEST(SchemaMismatch, NamesUnknownAndMissingKeys) {
  constexpr auto kSchema = R"({"additionalProperties":false,"required":["b"],
                               "properties":{"b":{"type":"string"},"a":{}}})";
  EXPECT_EQ(Mismatch(kSchema, R"({"c":1})"), "'config.c' is not known; known are a, b");
  EXPECT_EQ(Mismatch(kSchema, R"({"a":1})"), "'config.b' is missing; needed is a text");
  EXPECT_EQ(Mismatch(R"({"additionalProperties":false})", R"({"c":1})"),
            "'config.c' is not known; none is");
  EXPECT_EQ(Mismatch(R"({"additionalProperties":{"type":"string"}})", R"({"c":1})"),
            "'config.c' is 1; allowed is a text");
}

TEST(SchemaMismatch, ShowsNoTextThatMayBeASecret) {
  EXPECT_EQ(Mismatch(R"({"type":"integer"})", R"("hunter2")"),
            "'config' is a text; allowed is a whole number");
  EXPECT_EQ(Mismatch(R"({"type":"string","minLength":9})", R"("hunter2")"),
            "'config' is another text; allowed is a text of at least 9 characters");
}

TEST(SchemaMismatch, TakesWhatIsAtTheBounds) {
  constexpr auto kBig = "18446744073709551615";
  EXPECT_EQ(Mismatch(R"({"type":"integer","maximum":18446744073709551615})", kBig), "");
  EXPECT_NE(Mismatch(R"({"type":"integer","maximum":18446744073709551614})", kBig), "");
  EXPECT_NE(Mismatch(R"({"type":"integer","exclusiveMinimum":2})", "2"), "");
  EXPECT_NE(Mismatch(R"({"type":"integer","exclusiveMaximum":2})", "2"), "");
  EXPECT_EQ(Mismatch(R"({"type":"integer","multipleOf":512})", "1024"), "");
  EXPECT_NE(Mismatch(R"({"type":"integer","multipleOf":512})", "1000"), "");
  EXPECT_NE(Mismatch(R"({"type":"integer"})", "1.5"), "");
  EXPECT_EQ(Mismatch(R"({"type":["string","null"]})", "null"), "");
  EXPECT_EQ(Mismatch(R"({"maxLength":2})", R"("äö")"), "");
}

TEST(SchemaMismatch, ChecksTextsListsAndCombinations) {
  EXPECT_EQ(Mismatch(R"({"pattern":"^[a-z]+$"})", R"("abc")"), "");
  EXPECT_NE(Mismatch(R"({"pattern":"^[a-z]+$"})", R"("Abc")"), "");
  EXPECT_NE(Mismatch(R"({"pattern":"a*"})", fmt::format(R"("{}")", std::string(100000, 'a'))), "");
  EXPECT_NE(Mismatch(R"({"maxItems":1})", "[1,2]"), "");
  EXPECT_EQ(Mismatch(R"({"uniqueItems":true})", "[1,2,1]"),
            "'config[2]' is there twice; allowed are entries that differ");
  EXPECT_EQ(Mismatch(R"({"anyOf":[{"type":"string"},{"type":"boolean"}]})", "1"),
            "'config' is 1; allowed is a text, or true or false");
  EXPECT_NE(Mismatch(R"({"oneOf":[{"minimum":1},{"maximum":5}]})", "3"), "");
  EXPECT_NE(Mismatch(R"({"allOf":[{"minimum":1},{"maximum":5}]})", "6"), "");
  EXPECT_NE(Mismatch(R"({"not":{"const":3}})", "3"), "");
}

TEST(CheckSchema, NamesWhatTheHostCannotCheck) {
  EXPECT_EQ(Unsound(R"({"type":"object","properties":{"a":{"title":"A","default":1}}})"), "");
  EXPECT_EQ(Unsound(R"({"properties":{"a":{"minimun":1}}})"),
            "config.schema.properties.a.minimun: this host does not know the keyword 'minimun'");
  EXPECT_EQ(Unsound(R"({"type":"int"})"),
            "config.schema.type is a text; it has to be a type, or a list of them");
  EXPECT_EQ(Unsound(R"({"required":[1]})"),
            "config.schema.required is a list; it has to be a list of names");
  EXPECT_EQ(Unsound(R"({"pattern":"("})"),
            "config.schema.pattern is a text; it has to be a regular expression");
  EXPECT_EQ(Unsound(R"({"properties":{"a":{"type":"integer","default":"x"}}})"),
            "'config.schema.properties.a.default' is a text; allowed is a whole number");
}

TEST(CheckedConfig, FillsDefaultsAtEveryDepth) {
  constexpr auto kSchema = R"({"properties":{"a":{"default":1},
    "b":{"default":{},"properties":{"c":{"default":"x"}}},
    "d":{"items":{"properties":{"e":{"default":true}}}}}})";
  EXPECT_EQ(Json(Checked(kSchema, "{}")), Json(R"({"a":1,"b":{"c":"x"}})"));
  EXPECT_EQ(Json(Checked(kSchema, R"({"a":2,"b":{"c":"y"},"d":[{}]})")),
            Json(R"({"a":2,"b":{"c":"y"},"d":[{"e":true}]})"));
}

TEST(CheckedConfig, AllowsNothingWithoutASchema) {
  EXPECT_EQ(Checked("", "{}"), "{}");
  EXPECT_EQ(Checked("", R"({"a":1})"),
            "'plugin.lamp.config.a' is not known: the plugin's manifest has no schema, so nothing "
            "can be configured");
}

TEST(ConfigKeys, ListsKeysWithWhatCounts) {
  auto const keys = ConfigKeys(R"({"properties":{
      "a":{"type":"integer","default":1,"description":"about a"},
      "b":{"properties":{"c":{"enum":["x","y"]}}},
      "d":{"type":"array","items":{"type":"object","properties":{"e":{"type":"string"}}}},
      "f":{"type":"string","writeOnly":true}}})",
                               R"({"a":2,"b":{"c":"x"},"f":"secret"})");
  ASSERT_EQ(keys.size(), 5U);
  EXPECT_EQ(keys[0].key, "a");
  EXPECT_EQ(keys[0].allowed, "a whole number");
  EXPECT_EQ(keys[0].description, "about a");
  EXPECT_EQ(keys[0].standard, Json("1"));
  EXPECT_EQ(keys[0].value, Json("2"));
  EXPECT_EQ(keys[1].key, "b.c");
  EXPECT_EQ(keys[1].value, Json(R"("x")"));
  EXPECT_EQ(keys[3].key, "d[].e");
  EXPECT_EQ(keys[4].value, Json("\"(not shown)\""));
}

}  // namespace
}  // namespace trellis::plugin
