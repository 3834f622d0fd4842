#include "kernel/crypto/derivation.hpp"

#include <gtest/gtest.h>

#include <string>

namespace trellis::crypto {
namespace {

constexpr std::string_view kDevelopment =
    "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

std::string PublicOf(KeyType type, std::string_view path) {
  auto const root = Signer::FromMnemonic(type, kDevelopment).value();
  return Hex(Derive(root, path).value().public_key());
}

TEST(Derivation, GivesTheWellKnownDevelopmentKeys) {
  EXPECT_EQ(PublicOf(KeyType::kSr25519, "//Alice"),
            "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d");
  EXPECT_EQ(PublicOf(KeyType::kSr25519, "//Bob"),
            "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48");
  EXPECT_EQ(PublicOf(KeyType::kEd25519, "//Alice"),
            "88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee");
  EXPECT_EQ(PublicOf(KeyType::kSr25519, "/Alice"),
            "d6c71059dbbe9ad2b0ed3f289738b800836eb425544ce694825285b958ca755e");
}

TEST(Derivation, EncodesNumbersTextsAndLongTexts) {
  auto const junctions =
      ParsePath("//1/18446744073709551615//18446744073709551616//" + std::string(40, 'x')).value();

  ASSERT_EQ(junctions.size(), 4U);
  EXPECT_EQ(Hex(junctions[0].chain_code), "01" + std::string(62, '0'));
  EXPECT_EQ(Hex(junctions[1].chain_code), std::string(16, 'f') + std::string(48, '0'));
  EXPECT_EQ(Hex(junctions[2].chain_code).substr(0, 6), "503138") << "too big for a number: text";
  EXPECT_NE(Hex(junctions[3].chain_code).substr(0, 2), "a0") << "too long for a chain code: hashed";
  EXPECT_TRUE(junctions[0].hard);
  EXPECT_FALSE(junctions[1].hard);
}

TEST(Derivation, DerivedKeysSignForTheirPublicKey) {
  auto const root = Signer::FromMnemonic(KeyType::kSr25519, kDevelopment).value();
  auto const child = Derive(root, "//hard/soft//1").value();

  EXPECT_TRUE(
      Verify(KeyType::kSr25519, child.public_key(), AsBytes("m"), child.Sign(AsBytes("m"))));
}

TEST(Derivation, RefusesMalformedPaths) {
  for (auto const* path : {"Alice", "//", "//a/", "/", "///a", "//a//"})
    EXPECT_FALSE(ParsePath(path).has_value()) << path;
  EXPECT_FALSE(ParsePath("//" + std::string(kMaxPathBytes, 'a')).has_value());
}

TEST(Derivation, Ed25519HasNoSoftJunctions) {
  auto const root = Signer::FromMnemonic(KeyType::kEd25519, kDevelopment).value();

  EXPECT_EQ(Derive(root, "//a/b").error().code, Code::kInvalid);
}

TEST(SeedFromSecret, StandsForTheSameKeyAsItsPath) {
  for (auto const type : {KeyType::kSr25519, KeyType::kEd25519}) {
    auto const seed = SeedFromSecret(type, fmt::format("{}//Alice//7", kDevelopment)).value();
    EXPECT_EQ(Hex(Signer::FromSeed(type, seed.view()).public_key()), PublicOf(type, "//Alice//7"));
    auto const short_form = SeedFromSecret(type, "//Alice//7").value();
    EXPECT_EQ(Hex(short_form.view()), Hex(seed.view()));
  }
}

TEST(SeedFromSecret, TakesAPasswordAndHexSeeds) {
  std::string const words(kDevelopment);
  auto const plain = SeedFromSecret(KeyType::kEd25519, words).value();

  EXPECT_EQ(Hex(plain.view()), Hex(MiniSecret(words).value().view()));
  EXPECT_EQ(Hex(SeedFromSecret(KeyType::kEd25519, words + "///pass/word").value().view()),
            Hex(MiniSecret(words, "pass/word").value().view()));
  EXPECT_EQ(Hex(SeedFromSecret(KeyType::kEd25519, "0x" + Hex(plain.view())).value().view()),
            Hex(plain.view()));
}

TEST(SeedFromSecret, RefusesSoftJunctionsAndNothing) {
  EXPECT_FALSE(SeedFromSecret(KeyType::kSr25519, "//Alice/soft").has_value());
  EXPECT_FALSE(SeedFromSecret(KeyType::kSr25519, "").has_value());
}

}  // namespace
}  // namespace trellis::crypto
