#include "kernel/crypto/e2e.hpp"

#include <gtest/gtest.h>

namespace trellis::crypto {
namespace {

TEST(E2e, SealUsesAFreshNonceEachTime) {
  SharedKey const key{1, 2, 3};

  auto const first = Seal(key, AsBytes("secret")).value();
  auto const second = Seal(key, AsBytes("secret")).value();

  EXPECT_NE(first, second);
  EXPECT_EQ(AsText(Open(key, first).value()), "secret");
  EXPECT_EQ(AsText(Open(key, second).value()), "secret");
}

TEST(E2e, RefusesSeedsOutsideTheGroup) {
  std::array<std::uint8_t, 32> seed{};
  EXPECT_EQ(PublicKeyOf(seed).error().code, Code::kInvalid);

  seed.fill(0xff);
  EXPECT_EQ(PublicKeyOf(seed).error().code, Code::kInvalid);
}

TEST(E2e, RefusesPeerKeysThatAreNoPoint) {
  std::array<std::uint8_t, 32> seed{};
  seed[31] = 1;

  EXPECT_EQ(Agree(seed, Bytes{}).error().code, Code::kInvalid);
  EXPECT_EQ(Agree(seed, Bytes(33, 0)).error().code, Code::kInvalid);
}

}  // namespace
}  // namespace trellis::crypto
