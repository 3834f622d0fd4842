#include "kernel/crypto/prepared_key.hpp"

#include "kernel/crypto/edwards25519.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

#include <random>
#include <vector>

namespace trellis::crypto {
namespace {

using Bytes32 = std::array<std::uint8_t, 32>;

Signer SignerOf(KeyType type, std::uint8_t number) {
  Bytes32 const seed{number};
  return Signer::FromSeed(type, seed);
}

BytesView Message() {
  return AsBytes("what was signed");
}

/// Little-endian bytes of the group's order.
constexpr Bytes32 kOrder{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                         0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                         0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

class PreparedKeyOfType : public ::testing::TestWithParam<KeyType> {};

TEST_P(PreparedKeyOfType, TakesGoodSignatures) {
  for (std::uint8_t i = 1; i < 30; ++i) {
    auto const signer = SignerOf(GetParam(), i);
    auto const key = PreparedKey::Make(GetParam(), signer.public_key());

    EXPECT_TRUE(key->Verify(Message(), signer.Sign(Message())));
    EXPECT_FALSE(key->Verify(AsBytes("what was not"), signer.Sign(Message())));
  }
}

TEST_P(PreparedKeyOfType, RefusesEverySignatureWithAFlippedBit) {
  auto const signer = SignerOf(GetParam(), 1);
  auto const key = PreparedKey::Make(GetParam(), signer.public_key());
  auto const good = signer.Sign(Message());

  for (std::size_t bit = 0; bit < 512; ++bit) {
    auto bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(key->Verify(Message(), bad)) << bit;
  }
  EXPECT_FALSE(key->Verify(Message(), BytesView(good).first(63)));
  EXPECT_FALSE(key->Verify(Message(), {}));
}

TEST_P(PreparedKeyOfType, JudgesRandomKeysAndSignaturesAsThePlainCheckDoes) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 300; ++i) {
    PublicKey key{};
    Signature signature{};
    for (auto& byte : key)
      byte = static_cast<std::uint8_t>(random());
    for (auto& byte : signature)
      byte = static_cast<std::uint8_t>(random());
    signature[63] &= 0x8f;

    EXPECT_EQ(PreparedKey::Make(GetParam(), key)->Verify(Message(), signature),
              Verify(GetParam(), key, Message(), signature));
  }
}

INSTANTIATE_TEST_SUITE_P(Keys, PreparedKeyOfType,
                         ::testing::Values(KeyType::kEd25519, KeyType::kSr25519),
                         [](auto const& type) { return std::string(ToText(type.param)); });

TEST(PreparedEd25519Key, RefusesAScalarThatIsNotReduced) {
  auto const signer = SignerOf(KeyType::kEd25519, 1);
  auto signature = signer.Sign(Message());
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {  // s + L means the same number
    carry += unsigned{signature[32 + i]} + kOrder[i];
    signature[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8U;
  }

  auto const key = PreparedKey::Make(KeyType::kEd25519, signer.public_key());

  EXPECT_FALSE(key->Verify(Message(), signature));
  EXPECT_FALSE(Verify(KeyType::kEd25519, signer.public_key(), Message(), signature));
}

/// Encodings of points of order 1, 2, 4 and 8, also such that are not the smallest.
std::vector<PublicKey> SmallOrderKeys() {
  std::vector<PublicKey> keys;
  auto const add = [&](PublicKey key) {
    keys.push_back(key);
    key[31] = static_cast<std::uint8_t>(key[31] | 0x80U);
    keys.push_back(key);
  };
  PublicKey key{};
  add(key);  // y = 0
  key[0] = 1;
  add(key);  // y = 1
  key.fill(0xff);
  key[31] = 0x7f;
  for (int const low : {0xec, 0xed, 0xee}) {  // y = -1, p, p + 1
    key[0] = static_cast<std::uint8_t>(low);
    add(key);
  }
  auto const order8 = FromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");
  std::copy(order8->begin(), order8->end(), key.begin());
  add(key);
  return keys;
}

TEST(PreparedEd25519Key, RefusesKeysOfSmallOrder) {
  // With s = 0 and R = the identity or the key itself a careless check lets anything pass.
  for (auto const& key : SmallOrderKeys()) {
    auto const prepared = PreparedKey::Make(KeyType::kEd25519, key);
    for (auto const& r : SmallOrderKeys()) {
      Signature signature{};
      std::copy(r.begin(), r.end(), signature.begin());

      EXPECT_FALSE(prepared->Verify(Message(), signature));
      EXPECT_FALSE(Verify(KeyType::kEd25519, key, Message(), signature));
    }
  }
}

TEST(PreparedEd25519Key, RefusesAFirstHalfOfSmallOrder) {
  // R = the identity: s = k a satisfies the equation with the secret a, and libsodium refuses it.
  auto const seed = Bytes32{9};
  auto const signer = Signer::FromSeed(KeyType::kEd25519, seed);
  std::array<std::uint8_t, 64> expanded{};
  crypto_hash_sha512(expanded.data(), seed.data(), seed.size());
  expanded[0] = static_cast<std::uint8_t>(expanded[0] & 248U);
  expanded[31] = static_cast<std::uint8_t>((expanded[31] & 127U) | 64U);
  Bytes32 const identity{1};
  Bytes input(identity.begin(), identity.end());
  input.insert(input.end(), signer.public_key().begin(), signer.public_key().end());
  input.insert(input.end(), Message().begin(), Message().end());
  std::array<std::uint8_t, 64> wide{};
  crypto_hash_sha512(wide.data(), input.data(), input.size());
  Bytes32 k{};
  Bytes32 s{};
  crypto_core_ed25519_scalar_reduce(k.data(), wide.data());
  crypto_core_ed25519_scalar_mul(s.data(), k.data(), expanded.data());
  Signature signature{};
  std::copy(identity.begin(), identity.end(), signature.begin());
  std::copy(s.begin(), s.end(), signature.begin() + 32);

  auto const key = PreparedKey::Make(KeyType::kEd25519, signer.public_key());

  EXPECT_FALSE(key->Verify(Message(), signature));
  EXPECT_FALSE(Verify(KeyType::kEd25519, signer.public_key(), Message(), signature));
}

TEST(Edwards, EncodesWhatItDecoded) {
  for (std::uint8_t i = 1; i < 50; ++i) {
    auto const key = SignerOf(KeyType::kEd25519, i).public_key();
    auto const point = curve::DecodeEdwards(key);

    ASSERT_TRUE(point.has_value());
    EXPECT_EQ(curve::EncodeEdwards(*point), key);
    EXPECT_FALSE(curve::HasSmallOrder(*point));
  }
}

TEST(KeyCache, JudgesTheSameEveryTime) {
  KeyCache cache(4);
  for (int round = 0; round < 3; ++round) {
    for (std::uint8_t i = 1; i < 10; ++i) {  // more keys than it keeps
      auto const type = i % 2 == 0 ? KeyType::kEd25519 : KeyType::kSr25519;
      auto const signer = SignerOf(type, i);
      auto const signature = signer.Sign(Message());
      EXPECT_TRUE(cache.Verify(type, signer.public_key(), Message(), signature));
      EXPECT_FALSE(cache.Verify(type, signer.public_key(), AsBytes("no"), signature));
    }
  }
}

}  // namespace
}  // namespace trellis::crypto
