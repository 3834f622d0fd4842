#include "kernel/rmb/token.hpp"

#include "tests/support/bus/twins.hpp"

#include <gtest/gtest.h>

namespace trellis::rmb {
namespace {

using testing::BusTwins;

std::string Part(std::string_view json) {
  return crypto::Base64Url(crypto::AsBytes(json));
}

/// A token with any header and claims, signed well.
std::string Signed(std::string_view header, std::string_view claims) {
  auto const text = Part(header) + "." + Part(claims);
  auto const signature = PrefixedSignature(BusTwins::SignerOf(7), crypto::AsBytes(text));
  return text + "." + Part(signature);
}

TEST(Token, ShowsWhoMadeIt) {
  auto const signer = BusTwins::SignerOf(7);
  auto const parsed = ParseToken(MakeToken({7, 100, 160, "name"}, signer));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->claims.sub, 7U);
  EXPECT_EQ(parsed->claims.sid, "name");
  EXPECT_TRUE(CheckToken(*parsed, signer.public_key(), 160, 0));
  EXPECT_FALSE(CheckToken(*parsed, BusTwins::SignerOf(8).public_key(), 160, 0));
}

TEST(Token, ExpiresAfterItsLeeway) {
  auto const parsed = ParseToken(MakeToken({7, 100, 160, {}}, BusTwins::SignerOf(7))).value();
  EXPECT_TRUE(CheckTokenTime(parsed, 190, 30));
  auto const late = CheckTokenTime(parsed, 191, 30);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().message, "token has expired");
}

TEST(Token, TakesClaimsInAnyOrderWithExtraMembers) {
  auto const parsed = ParseToken(
      Signed(R"({"alg":"RS512"})", R"({"x":[1],"sid":null,"exp":160,"sub":7,"iat":101})"));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_FALSE(parsed->claims.sid.has_value());
}

TEST(Token, RefusesOtherAlgorithmsAlsoWithAGoodSignature) {
  auto const* const claims = R"({"sub":7,"iat":100,"exp":160})";
  EXPECT_FALSE(ParseToken(Signed(R"({"alg":"none"})", claims)));
  EXPECT_FALSE(ParseToken(Signed(R"({"alg":"EdDSA","typ":"JWT"})", claims)));
  EXPECT_FALSE(ParseToken(Signed(R"({"alg":"RS512","typ":"JWE"})", claims)));
  EXPECT_FALSE(ParseToken(Signed(R"({})", claims)));
}

TEST(Token, RefusesWhatIsNotThreePartsOfJson) {
  EXPECT_FALSE(ParseToken(""));
  EXPECT_FALSE(ParseToken("a.b"));
  EXPECT_FALSE(ParseToken("a.b.c.d"));
  EXPECT_FALSE(ParseToken("!.!.!"));
  EXPECT_FALSE(ParseToken(Signed("[]", "{}")));
  EXPECT_FALSE(ParseToken(Signed(R"({"alg":"RS512"})", R"({"sub":"7"})")));
  EXPECT_FALSE(ParseToken(Signed(R"({"alg":"RS512"})", R"({"sub":-1})")));
  EXPECT_FALSE(ParseToken(Signed(R"({"alg":"RS512"})", R"({"sub":4294967296})")));
}

}  // namespace
}  // namespace trellis::rmb
