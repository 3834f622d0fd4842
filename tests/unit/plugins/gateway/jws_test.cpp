#include "plugins/gateway/acme/jws.hpp"

#include <gtest/gtest.h>

namespace trellis::plugins::gateway {
namespace {

TEST(Jws, TextIsForUrlsAndWithoutPadding) {
  EXPECT_EQ(Base64Url(""), "");
  EXPECT_EQ(Base64Url("a"), "YQ");
  EXPECT_EQ(Base64Url("\xfb\xff\xfe"), "-__-");
}

TEST(Jws, KeysAreShownInTheOrderOfThumbprints) {
  auto const key = MakeKey();
  ASSERT_TRUE(key);

  auto const jwk = PublicJwk(key->get());

  ASSERT_TRUE(jwk);
  EXPECT_TRUE(jwk->starts_with(R"({"crv":"P-256","kty":"EC","x":")")) << *jwk;
  EXPECT_EQ(Thumbprint(key->get())->size(), 43U);
}

}  // namespace
}  // namespace trellis::plugins::gateway
