#include "kernel/crypto/keys.hpp"

#include "kernel/crypto/hash.hpp"

#include <gtest/gtest.h>

namespace trellis::crypto {
namespace {

constexpr std::string_view kWords =
    "used industry fringe penalty fly goose suit hybrid truly physical outer business";

class SignerOfType : public testing::TestWithParam<KeyType> {
 protected:
  Signer signer_ = Signer::FromMnemonic(GetParam(), kWords).value();
};

TEST_P(SignerOfType, SignaturesVerifyForEveryLengthAroundTheSpongeRate) {
  for (std::size_t length = 0; length < 400; ++length) {
    Bytes const message(length, 0x5a);
    EXPECT_TRUE(Verify(GetParam(), signer_.public_key(), message, signer_.Sign(message))) << length;
  }
}

TEST_P(SignerOfType, ChangedMessageOrLengthIsRefused) {
  auto const signature = signer_.Sign(AsBytes("message"));
  Bytes longer(signature.begin(), signature.end());
  longer.push_back(0);

  EXPECT_FALSE(Verify(GetParam(), signer_.public_key(), AsBytes("massage"), signature));
  EXPECT_FALSE(Verify(GetParam(), signer_.public_key(), AsBytes("message"), longer));
  EXPECT_FALSE(
      Verify(GetParam(), signer_.public_key(), AsBytes("message"), BytesView(signature).first(63)));
  EXPECT_FALSE(
      Verify(GetParam(), BytesView(signer_.public_key()).first(31), AsBytes("message"), signature));
}

INSTANTIATE_TEST_SUITE_P(Keys, SignerOfType, testing::Values(KeyType::kEd25519, KeyType::kSr25519),
                         [](auto const& param) { return std::string(ToText(param.param)); });

TEST(Verify, RefusesTheIdentityAsSr25519Key) {
  PublicKey const identity{};
  Signature forged{};
  forged[63] = 0x80;

  EXPECT_FALSE(Verify(KeyType::kSr25519, identity, AsBytes("anything"), forged));
}

TEST(Mnemonic, NewOnesPassTheirOwnChecksumAndDiffer) {
  auto const first = GenerateMnemonic();

  EXPECT_EQ(MnemonicEntropy(first).value().size(), 16U);
  EXPECT_NE(first, GenerateMnemonic());
}

TEST(Mnemonic, ErrorsNameThePlaceButNotTheWord) {
  EXPECT_EQ(MnemonicEntropy("one two").error().message,
            "a mnemonic has 12, 15, 18, 21 or 24 words, got 2");

  std::string typo(kWords);
  typo.replace(5, 8, "industri");
  EXPECT_EQ(MnemonicEntropy(typo).error().message,
            "word 2 of the mnemonic is not in the word list");

  std::string swapped(kWords);
  swapped.replace(0, 4, "zebra");
  EXPECT_EQ(MnemonicEntropy(swapped).error().message,
            "the checksum of the mnemonic is wrong: a word is mistyped or misplaced");
}

TEST(Seed, TextIsWordsOrHexWithAndWithoutPrefix) {
  auto const seed = MiniSecret(kWords).value();
  auto const hex = Hex(seed.view());

  EXPECT_EQ(Hex(SeedFromText(kWords)->view()), hex);
  EXPECT_EQ(Hex(SeedFromText(hex)->view()), hex);
  EXPECT_EQ(Hex(SeedFromText("0x" + hex)->view()), hex);
  EXPECT_FALSE(SeedFromText("0x00"));
}

TEST(Ss58, RefusesWrongChecksumAndNetwork) {
  EXPECT_TRUE(FromSs58Address("5CdSSdvChgYjNQ1prSzTW42VHSR1EJ1pQWgR9NbW21ESssSd"));
  EXPECT_FALSE(FromSs58Address("5CdSSdvChgYjNQ1prSzTW42VHSR1EJ1pQWgR9NbW21ESssSe"));
  EXPECT_FALSE(FromSs58Address("5CdSSdvChgYjNQ1prSzTW42VHSR1EJ1pQWgR9NbW21ESssSd", 0));
}

}  // namespace
}  // namespace trellis::crypto
