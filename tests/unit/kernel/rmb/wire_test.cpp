#include "kernel/rmb/wire.hpp"

#include "kernel/rmb/envelope_view.hpp"

#include <gtest/gtest.h>

namespace trellis::rmb {
namespace {

using namespace std::string_literals;

std::string TextOf(Result<EnvelopeView> const& parsed) {
  return parsed ? "" : parsed.error().message;
}

TEST(EnvelopeBytes, TakeFieldsInAnyOrder) {
  // timestamp 5, uid "ab"
  auto const bytes =
      "\x18\x05\x0a\x02"
      "ab"s;
  auto const parsed = ViewEnvelope(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->uid, "ab");
  EXPECT_EQ(parsed->timestamp, 5U);
}

TEST(EnvelopeBytes, SkipUnknownFieldsOfEveryType) {
  std::string const unknown =
      "\xa0\x06\x07"  // 100: varint
      "\xa1\x06"
      "12345678"  // 100: 64 bits
      "\xa2\x06\x02"
      "xy"                                            // 100: length
      "\xa3\x06\xa0\x06\x01\xa3\x06\xa4\x06\xa4\x06"  // 100: a group with a group in it
      "\xa5\x06"
      "1234"  // 100: 32 bits
      "\x0a\x01u"s;
  auto const parsed = ViewEnvelope(unknown);
  ASSERT_TRUE(parsed) << TextOf(parsed);
  EXPECT_EQ(parsed->uid, "u");
}

TEST(EnvelopeBytes, LetTheLastOfARepeatedFieldCount) {
  auto const bytes =
      "\x0a\x01"
      "a"
      "\x0a\x01"
      "b"
      "\x3a\x03\x0a\x01"
      "c"
      "\x42\x00"s;
  auto const parsed = ViewEnvelope(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->uid, "b");
  EXPECT_EQ(parsed->kind, Kind::kResponse);
  EXPECT_EQ(parsed->text, "");
}

TEST(EnvelopeBytes, RefuseWhatIsNotOneEnvelope) {
  EXPECT_EQ(TextOf(ViewEnvelope("\x0a\x05"
                                "ab"s)),
            "malformed envelope: length beyond the end");
  EXPECT_EQ(TextOf(ViewEnvelope("\x18\xff"s)), "malformed envelope: truncated number");
  EXPECT_EQ(TextOf(ViewEnvelope("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s)),
            "malformed envelope: number of more than 64 bits");
  EXPECT_EQ(TextOf(ViewEnvelope("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"s)),
            "malformed envelope: number of more than 64 bits");
  EXPECT_EQ(TextOf(ViewEnvelope("\x0a\x01\xff"s)), "malformed envelope: text is not UTF-8");
  EXPECT_EQ(TextOf(ViewEnvelope("\x08\x01"s)), "malformed envelope: field of the wrong type");
  EXPECT_EQ(TextOf(ViewEnvelope("\x02\x00"s)), "malformed envelope: field number 0");
  EXPECT_EQ(TextOf(ViewEnvelope("\xa3\x06"s)), "malformed envelope: truncated number");
  EXPECT_EQ(TextOf(ViewEnvelope("\xa3\x06\xac\x06"s)), "malformed envelope: group without its end");
  EXPECT_EQ(TextOf(ViewEnvelope("\xa6\x06"s)), "malformed envelope: unknown wire type");
}

TEST(EnvelopeBytes, LimitNestedGroupsAndRelays) {
  std::string groups;
  for (int i = 0; i < 40; ++i)
    groups += "\xa3\x06";
  EXPECT_EQ(TextOf(ViewEnvelope(groups)), "malformed envelope: groups nested too deeply");
  std::string relays;
  for (std::size_t i = 0; i <= kMaxRelays; ++i)
    relays += "\x8a\x01\x01r"s;
  EXPECT_EQ(TextOf(ViewEnvelope(relays)), "malformed envelope: too many relays");
}

TEST(EnvelopeBytes, KeepPresentAndEmptyApartFromAbsent) {
  auto const parsed = ParseEnvelope("\x12\x00\x4a\x00\x32\x00"s);
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->tags.has_value());
  EXPECT_TRUE(parsed->signature.has_value());
  EXPECT_EQ(parsed->destination, Address());
  EXPECT_FALSE(parsed->schema.has_value());
  EXPECT_EQ(SerializeEnvelope(*parsed), "\x12\x00\x32\x00\x4a\x00"s);
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndWhatIsCutOff) {
  EXPECT_TRUE(wire::IsUtf8("plain, \xc3\xa4, \xe2\x82\xac, \xf0\x9f\x8c\xb1"));
  EXPECT_FALSE(wire::IsUtf8("\xc0\xaf"));
  EXPECT_FALSE(wire::IsUtf8("\xe0\x80\xaf"));
  EXPECT_FALSE(wire::IsUtf8("\xf0\x80\x80\xaf"));
  EXPECT_FALSE(wire::IsUtf8("\xed\xa0\x80"));
  EXPECT_FALSE(wire::IsUtf8("\xf4\x90\x80\x80"));
  EXPECT_FALSE(wire::IsUtf8("\xe2\x82"));
  EXPECT_FALSE(wire::IsUtf8("\x80"));
}

}  // namespace
}  // namespace trellis::rmb
