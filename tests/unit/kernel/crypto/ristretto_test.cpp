#include "kernel/crypto/ristretto.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

#include <random>

namespace trellis::crypto::curve {
namespace {

using Bytes32 = std::array<std::uint8_t, 32>;

Bytes32 RandomScalar() {
  Bytes32 scalar{};
  crypto_core_ristretto255_scalar_random(scalar.data());
  return scalar;
}

Bytes32 RandomPoint() {
  Bytes32 point{};
  crypto_core_ristretto255_random(point.data());
  return point;
}

/// s B - k P as libsodium computes it.
Bytes32 Reference(Bytes32 const& s, Bytes32 const& k, Bytes32 const& point) {
  Bytes32 left{};
  Bytes32 right{};
  Bytes32 out{};
  if (crypto_scalarmult_ristretto255_base(left.data(), s.data()) != 0) left.fill(0);
  if (crypto_scalarmult_ristretto255(right.data(), k.data(), point.data()) != 0) right.fill(0);
  EXPECT_EQ(crypto_core_ristretto255_sub(out.data(), left.data(), right.data()), 0);
  return out;
}

/// The same here: with a table for one use, and with one that is kept.
Point Combined(Bytes32 const& s, Bytes32 const& k, Point const& point) {
  auto const once = CombineWithBase(s, k, MakeTable(Negate(point), 5));
  auto const kept = CombineWithBase(s, k, MakeSplitTable(Negate(point), 6));
  EXPECT_EQ(EncodeRistretto(once), EncodeRistretto(kept));
  return kept;
}

Bytes32 Small(std::uint8_t value) {
  Bytes32 scalar{};
  scalar[0] = value;
  return scalar;
}

/// The order of the group, less one.
Bytes32 Largest() {
  Bytes32 out{};
  auto const one = Small(1);
  crypto_core_ristretto255_scalar_negate(out.data(), one.data());
  return out;
}

TEST(Ristretto, CombinesAsLibsodiumDoes) {
  for (int i = 0; i < 200; ++i) {
    auto const s = RandomScalar();
    auto const k = RandomScalar();
    auto const point = RandomPoint();
    auto const decoded = DecodeRistretto(point);
    ASSERT_TRUE(decoded.has_value());

    EXPECT_EQ(EncodeRistretto(Combined(s, k, *decoded)), Reference(s, k, point));
  }
}

TEST(Ristretto, CombinesWithScalarsAtTheEdges) {
  auto const point = RandomPoint();
  auto const decoded = DecodeRistretto(point);
  ASSERT_TRUE(decoded.has_value());
  std::vector<Bytes32> const edges{Small(0),  Small(1),   Small(2),   Small(15),  Small(16),
                                   Small(31), Small(127), Small(128), Small(255), Largest()};

  for (auto const& s : edges) {
    for (auto const& k : edges)
      EXPECT_EQ(EncodeRistretto(Combined(s, k, *decoded)), Reference(s, k, point));
  }
}

TEST(Ristretto, EncodesWhatItDecoded) {
  for (int i = 0; i < 100; ++i) {
    auto const point = RandomPoint();
    auto const decoded = DecodeRistretto(point);
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(EncodeRistretto(*decoded), point);
  }
}

TEST(Ristretto, TakesTheIdentity) {
  auto const decoded = DecodeRistretto(Small(0));

  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(EncodeRistretto(*decoded), Small(0));
}

TEST(Ristretto, RefusesExactlyWhatLibsodiumRefuses) {
  std::mt19937_64 random(7);
  int good = 0;
  for (int i = 0; i < 4000; ++i) {
    Bytes32 bytes{};
    for (auto& byte : bytes)
      byte = static_cast<std::uint8_t>(random());
    if (i % 2 == 0) bytes[0] &= std::uint8_t{0xfe};
    bytes[31] &= 0x7fU;
    bool const valid = crypto_core_ristretto255_is_valid_point(bytes.data()) == 1;
    good += valid ? 1 : 0;
    EXPECT_EQ(DecodeRistretto(bytes).has_value(), valid) << i;
  }
  EXPECT_GT(good, 100);
}

// libsodium does not look at this bit; the definition of the encoding does.
TEST(Ristretto, RefusesATopBit) {
  auto point = RandomPoint();
  point[31] |= 0x80U;

  EXPECT_FALSE(DecodeRistretto(point).has_value());
}

TEST(Ristretto, RefusesNumbersThatAreNotReduced) {
  Bytes32 prime{};
  prime.fill(0xff);
  prime[31] = 0x7f;
  for (unsigned low = 0xed; low <= 0xff; ++low) {  // p and above
    prime[0] = static_cast<std::uint8_t>(low);
    EXPECT_FALSE(DecodeRistretto(prime).has_value());
    EXPECT_NE(crypto_core_ristretto255_is_valid_point(prime.data()), 1);
  }
}

TEST(Field, AgreesWithItselfOnEdges) {
  Bytes32 almost{};
  almost.fill(0xff);
  almost[0] = 0xec;
  almost[31] = 0x7f;  // p - 1
  auto const minus_one = FromBytes(almost);

  EXPECT_EQ(ToBytes(minus_one), almost);
  EXPECT_EQ(ToBytes(Square(minus_one)), ToBytes(kOne));
  EXPECT_EQ(ToBytes(Add(minus_one, kOne)), Bytes32{});
  EXPECT_EQ(ToBytes(Square(RootOfMinusOne())), almost);
  EXPECT_EQ(ToBytes(Multiply(Invert(minus_one), minus_one)), ToBytes(kOne));
  EXPECT_TRUE(IsZero(Subtract(minus_one, minus_one)));
}

}  // namespace
}  // namespace trellis::crypto::curve
