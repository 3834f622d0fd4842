#include "kernel/crypto/bytes.hpp"

#include "kernel/crypto/hash.hpp"

#include <gtest/gtest.h>

namespace trellis::crypto {
namespace {

TEST(Bytes, HexTakesEitherCaseAndPrintsLower) {
  EXPECT_EQ(Hex(FromHex("00aBFf").value()), "00abff");
  EXPECT_TRUE(FromHex("")->empty());
}

TEST(Bytes, HexRefusesOddLengthsAndOtherCharacters) {
  EXPECT_EQ(FromHex("abc").error().code, Code::kDecode);
  EXPECT_EQ(FromHex("0x00").error().message, "not a hex digit near position 0");
  EXPECT_EQ(FromHex0x("00").error().message, "hex text does not start with '0x'");
}

TEST(Bytes, Base64UrlHasNoPaddingAndRefusesIt) {
  EXPECT_EQ(Base64Url(Bytes{0xfb, 0xff}), "-_8");
  EXPECT_EQ(FromBase64Url("-_8").value(), (Bytes{0xfb, 0xff}));
  EXPECT_TRUE(FromBase64Url("").value().empty());
  EXPECT_FALSE(FromBase64Url("-_8="));
  EXPECT_FALSE(FromBase64Url("+/8"));
  EXPECT_FALSE(FromBase64Url("-_9"));
}

TEST(Bytes, Base64HasPadding) {
  EXPECT_EQ(Base64(Bytes{0xfb, 0xff}), "+/8=");
  EXPECT_EQ(FromBase64("+/8=").value(), (Bytes{0xfb, 0xff}));
  EXPECT_TRUE(FromBase64("").value().empty());
  EXPECT_FALSE(FromBase64("+/8"));
  EXPECT_FALSE(FromBase64("-_8="));
}

TEST(Bytes, Base58KeepsLeadingZeroBytes) {
  EXPECT_EQ(Base58(Bytes{0, 0, 1}), "112");
  EXPECT_EQ(FromBase58("112").value(), (Bytes{0, 0, 1}));
  EXPECT_EQ(Base58(AsBytes("hello world")), "StV1DL6CwTryKyV");
  EXPECT_EQ(AsText(FromBase58("StV1DL6CwTryKyV").value()), "hello world");
}

TEST(Bytes, Base58RefusesLongTextsAndForeignCharacters) {
  EXPECT_FALSE(FromBase58("0"));
  EXPECT_FALSE(FromBase58(std::string(kMaxBase58 + 1, '2')));
}

TEST(Hash, DigestsMatchPublishedExamples) {
  EXPECT_EQ(Hex(Md5(AsBytes(""))), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(Hex(Md5({AsBytes("a"), AsBytes(""), AsBytes("bc")})), Hex(Md5(AsBytes("abc"))));
  EXPECT_EQ(Hex(Sha256(AsBytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hex(Blake2b256(AsBytes(""))),
            "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  EXPECT_EQ(Hex(Blake2b512(AsBytes("abc"))).substr(0, 32), "ba80a53f981c4d0d6a2797b69f12f6e9");
}

}  // namespace
}  // namespace trellis::crypto
