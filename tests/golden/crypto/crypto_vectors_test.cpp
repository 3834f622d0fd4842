// Keys, signatures, transcripts and boxes against the vectors made with the grid's wallet library.
#include "kernel/crypto/e2e.hpp"
#include "kernel/crypto/hash.hpp"
#include "kernel/crypto/keys.hpp"
#include "kernel/crypto/merlin.hpp"
#include "kernel/crypto/sr25519.hpp"
#include "tests/golden/vectors.hpp"

#include <gtest/gtest.h>

#include <string>

namespace trellis::crypto {
namespace {

using golden::ReadVectors;
using golden::Text;
using Value = boost::json::value;

Bytes Unhex(std::string const& text) {
  return FromHex(text).value();
}

Seed SeedOf(std::string const& hex) {
  auto const bytes = Unhex(hex);
  return Seed(std::span<std::uint8_t const, 32>(bytes.data(), 32));
}

SharedKey KeyOf(std::string const& hex) {
  return Exactly<32>(Unhex(hex)).value();
}

void ExpectVerdicts(char const* section, KeyType type) {
  auto const vectors = ReadVectors("sr25519.json");
  for (auto const& row : vectors.at(section).as_array()) {
    bool const good = Verify(type, Unhex(Text(row, "public")), Unhex(Text(row, "message")),
                             Unhex(Text(row, "signature")));
    EXPECT_EQ(good, row.at("verify").as_bool())
        << section << " " << Text(row, "name") << " " << Text(row, "message");
  }
}

TEST(CryptoVectors, KeysComeFromMnemonicsAndSeeds) {
  auto const vectors = ReadVectors("sr25519.json");
  for (auto const& row : vectors.at("keys").as_array()) {
    auto const seed = SeedOf(Text(row, "mini_secret"));
    if (auto const words = Text(row, "mnemonic"); !words.empty()) {
      EXPECT_EQ(Hex(MnemonicEntropy(words).value()), Text(row, "entropy"));
      EXPECT_EQ(MnemonicOf(Unhex(Text(row, "entropy"))).value(), words);
      EXPECT_EQ(Hex(MiniSecret(words, Text(row, "password")).value().view()),
                Text(row, "mini_secret"));
    }
    auto const sr = Signer::FromSeed(KeyType::kSr25519, seed.view());
    auto const ed = Signer::FromSeed(KeyType::kEd25519, seed.view());
    EXPECT_EQ(Hex(sr.public_key()), Text(row, "sr25519_public"));
    EXPECT_EQ(Hex(ed.public_key()), Text(row, "ed25519_public"));
    EXPECT_EQ(Ss58Address(sr.public_key()), Text(row, "ss58_42_sr25519"));
    EXPECT_EQ(Ss58Address(ed.public_key()), Text(row, "ss58_42_ed25519"));
    EXPECT_EQ(FromSs58Address(Text(row, "ss58_42_sr25519")).value(), sr.public_key());
  }
}

TEST(CryptoVectors, Sr25519SignaturesVerify) {
  ExpectVerdicts("sr25519", KeyType::kSr25519);
}
TEST(CryptoVectors, BadSr25519SignaturesAreRefused) {
  ExpectVerdicts("sr25519_invalid", KeyType::kSr25519);
}
TEST(CryptoVectors, Ed25519SignaturesVerify) {
  ExpectVerdicts("ed25519", KeyType::kEd25519);
}
TEST(CryptoVectors, BadEd25519SignaturesAreRefused) {
  ExpectVerdicts("ed25519_invalid", KeyType::kEd25519);
}

TEST(CryptoVectors, KeccakPermutesTheZeroState) {
  auto const vectors = ReadVectors("sr25519.json");
  auto const& row = vectors.at("transcripts").at("keccak_f1600");
  auto state = Unhex(Text(row, "state_in"));

  KeccakF1600(std::span<std::uint8_t, 200>(state.data(), 200));

  EXPECT_EQ(Hex(state), Text(row, "state_out"));
}

TEST(CryptoVectors, MerlinAnswersChallengesOfAnyLength) {
  auto const vectors = ReadVectors("sr25519.json");
  for (auto const& row : vectors.at("transcripts").at("merlin").as_array()) {
    auto const length = row.at("message_length").to_number<std::size_t>();
    Bytes const message(length, Unhex(Text(row, "message_byte")).at(0));
    std::array<std::uint8_t, 64> one{};
    std::array<std::uint8_t, 16> two{};
    Transcript transcript(Text(row, "label"));

    transcript.Append("data", message);
    transcript.Challenge("one", one);
    transcript.Append("more", message);
    transcript.Challenge("two", two);

    EXPECT_EQ(Hex(one), Text(row, "challenge_one_64")) << length;
    EXPECT_EQ(Hex(two), Text(row, "challenge_two_16")) << length;
  }
}

TEST(CryptoVectors, RawSignaturesOfDeploymentsVerify) {
  auto const vectors = ReadVectors("deployments.json");
  for (auto const& row : vectors.at("signatures").as_array()) {
    auto const type = Text(row, "type") == "sr25519" ? KeyType::kSr25519 : KeyType::kEd25519;
    auto const key = Unhex(Text(row, "public"));
    auto const message = Unhex(Text(row, "message"));
    auto const signature = Unhex(Text(row, "signature"));
    EXPECT_EQ(Verify(type, key, message, signature), row.at("ok").as_bool())
        << boost::json::serialize(row);
    if (auto const expected = Text(row, "sr_challenge64"); !expected.empty()) {
      EXPECT_EQ(Hex(sr25519::Challenge(key, BytesView(signature).first(32), message)), expected);
    }
  }
}

TEST(CryptoVectors, TwinKeysOfTheMessageBusMatch) {
  auto const vectors = ReadVectors("rmb.json");
  for (auto const& row : vectors.at("keys").as_array()) {
    auto const type = Text(row, "type") == "sr25519" ? KeyType::kSr25519 : KeyType::kEd25519;
    auto const seed = SeedOf(Text(row, "seed"));
    auto const signer = Signer::FromSeed(type, seed.view());
    EXPECT_EQ(Hex(signer.public_key()), Text(row, "public"));
    EXPECT_EQ(Ss58Address(signer.public_key()), Text(row, "address_ss58_42"));
    EXPECT_EQ(Hex(PublicKeyOf(seed.view()).value()), Text(row, "e2e_public"));
    if (auto const words = Text(row, "mnemonic"); !words.empty()) {
      EXPECT_EQ(Signer::FromMnemonic(type, words).value().public_key(), signer.public_key());
    }
  }
}

TEST(CryptoVectors, BoxesAreByteEqualAndOpenOnBothSides) {
  auto const vectors = ReadVectors("rmb.json");
  for (auto const& row : vectors.at("e2e").as_array()) {
    auto const a = SeedOf(Text(row, "a_seed"));
    auto const b = SeedOf(Text(row, "b_seed"));
    auto const shared = Agree(a.view(), Unhex(Text(row, "b_public"))).value();
    auto const nonce = Unhex(Text(row, "nonce"));
    auto const plain = Unhex(Text(row, "plain"));

    auto const box =
        SealWithNonce(shared, std::span<std::uint8_t const, 12>(nonce.data(), 12), plain).value();

    EXPECT_EQ(Hex(shared), Text(row, "shared"));
    EXPECT_EQ(Hex(box), Text(row, "box"));
    EXPECT_EQ(Open(Agree(b.view(), Unhex(Text(row, "a_public"))).value(), box).value(), plain);
  }
}

TEST(CryptoVectors, DamagedBoxesAreRefused) {
  auto const vectors = ReadVectors("rmb.json");
  for (auto const& row : vectors.at("e2e_invalid").as_array()) {
    auto const opened = Open(KeyOf(Text(row, "shared")), Unhex(Text(row, "box")));
    ASSERT_FALSE(opened.has_value()) << Text(row, "name");
    EXPECT_EQ(opened.error().code, Code::kDenied) << Text(row, "name");
  }
}

}  // namespace
}  // namespace trellis::crypto
