// Keys, derivations, signatures, transcripts and boxes against those of the grid's wallet library.
#include "kernel/crypto/derivation.hpp"
#include "kernel/crypto/e2e.hpp"
#include "kernel/crypto/hash.hpp"
#include "kernel/crypto/keys.hpp"
#include "kernel/crypto/merlin.hpp"
#include "kernel/crypto/sr25519.hpp"
#include "tests/golden/vectors.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

#include <array>
#include <string>

namespace trellis::golden {
namespace {

using crypto::Bytes;
using crypto::BytesView;
using crypto::Hex;
using crypto::KeyType;
using crypto::Seed;
using crypto::Signer;

constexpr char const* kFile = "sr25519.json";

Seed SeedOf(Row const& row, char const* key) {
  return Seed(Hex32(Text(row, key)));
}

// The secret in the form of ed25519 libraries: the scalar times the cofactor 8.
std::string Ed25519Form(Seed const& seed) {
  auto secret = crypto::sr25519::Expand(seed.view());
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    unsigned const shifted = (static_cast<unsigned>(secret[i]) << 3U) | carry;
    secret[i] = static_cast<std::uint8_t>(shifted & 0xffU);
    carry = shifted >> 8U;
  }
  return Hex(secret);
}

void CheckMnemonic(Row const& row) {
  auto const words = Text(row, "mnemonic");
  if (words.empty()) return;
  EXPECT_EQ(Hex(crypto::MnemonicEntropy(words).value()), Text(row, "entropy"));
  EXPECT_EQ(crypto::MnemonicOf(HexMember(row, "entropy")).value(), words);
  EXPECT_EQ(Hex(crypto::MiniSecret(words, Text(row, "password")).value().view()),
            Text(row, "mini_secret"));
}

TEST(Keys, ComeFromMnemonicsAndSeeds) {
  ForEach(kFile, "keys", [](Row const& row) {
    CheckMnemonic(row);
    auto const seed = SeedOf(row, "mini_secret");
    auto const sr = Signer::FromSeed(KeyType::kSr25519, seed.view());
    auto const ed = Signer::FromSeed(KeyType::kEd25519, seed.view());
    EXPECT_EQ(Hex(sr.public_key()), Text(row, "sr25519_public"));
    EXPECT_EQ(Hex(ed.public_key()), Text(row, "ed25519_public"));
    EXPECT_EQ(Ed25519Form(seed), Text(row, "sr25519_secret_key_ed25519_form"));
    EXPECT_EQ(crypto::Ss58Address(sr.public_key()), Text(row, "ss58_42_sr25519"));
    EXPECT_EQ(crypto::Ss58Address(ed.public_key()), Text(row, "ss58_42_ed25519"));
    EXPECT_EQ(crypto::FromSs58Address(Text(row, "ss58_42_sr25519")).value(), sr.public_key());
    EXPECT_EQ(crypto::FromSs58Address(Text(row, "ss58_42_ed25519")).value(), ed.public_key());
  });
}

void CheckJunctions(Row const& row) {
  auto const junctions = crypto::ParsePath(Text(row, "path")).value();
  auto const& expected = row.at("junctions").as_array();
  ASSERT_EQ(junctions.size(), expected.size());
  for (std::size_t i = 0; i < junctions.size(); ++i) {
    EXPECT_EQ(junctions[i].hard, Flag(expected[i], "hard"));
    EXPECT_EQ(Hex(junctions[i].chain_code), Text(expected[i], "chain_code"));
  }
}

TEST(Keys, DeriveAlongPaths) {
  ForEach(kFile, "derivation", [](Row const& row) {
    CheckJunctions(row);
    auto const seed = SeedOf(row, "base_mini_secret");
    auto const path = Text(row, "path");
    auto const message = HexMember(row, "message");

    auto const sr = Derive(Signer::FromSeed(KeyType::kSr25519, seed.view()), path).value();
    auto const ed = Derive(Signer::FromSeed(KeyType::kEd25519, seed.view()), path);

    EXPECT_EQ(Hex(sr.public_key()), Text(row, "sr25519_public"));
    EXPECT_TRUE(crypto::Verify(KeyType::kSr25519, sr.public_key(), message, sr.Sign(message)));
    EXPECT_TRUE(crypto::Verify(KeyType::kSr25519, sr.public_key(), message,
                               HexMember(row, "sr25519_signature")));
    ASSERT_EQ(ed.has_value(), Member(row, "ed25519_public").is_string());
    if (ed) {
      EXPECT_EQ(Hex(ed->public_key()), Text(row, "ed25519_public"));
    }
  });
}

// The signer of the row's `key`, if it names one.
std::optional<Signer> NamedSigner(Row const& row, KeyType type) {
  auto const name = Text(row, "key");
  if (name.empty()) return std::nullopt;
  for (auto const& key : Rows(kFile, "keys")) {
    if (Text(key, "name") == name) return Signer::FromSeed(type, SeedOf(key, "mini_secret").view());
  }
  ADD_FAILURE() << "no key '" << name << "'";
  return std::nullopt;
}

void CheckSignatures(char const* section, KeyType type) {
  ForEach(kFile, section, [type](Row const& row) {
    auto const key = HexMember(row, "public");
    auto const message = HexMember(row, "message");
    auto const signature = HexMember(row, "signature");
    EXPECT_EQ(crypto::Verify(type, key, message, signature), Flag(row, "verify"));
    auto const signer = NamedSigner(row, type);
    if (!signer) return;
    EXPECT_EQ(Hex(signer->public_key()), Hex(key));
    auto const made = signer->Sign(message);
    EXPECT_TRUE(crypto::Verify(type, key, message, made));
    if (type == KeyType::kEd25519) {
      EXPECT_EQ(Hex(made), Hex(signature)) << "ed25519 is deterministic";
    }
  });
}

TEST(Signatures, Sr25519) {
  CheckSignatures("sr25519", KeyType::kSr25519);
}
TEST(Signatures, Sr25519Invalid) {
  CheckSignatures("sr25519_invalid", KeyType::kSr25519);
}
TEST(Signatures, Ed25519) {
  CheckSignatures("ed25519", KeyType::kEd25519);
}
TEST(Signatures, Ed25519Invalid) {
  CheckSignatures("ed25519_invalid", KeyType::kEd25519);
}

Bytes Repeated(Row const& row) {
  return Bytes(row.at("message_length").to_number<std::size_t>(),
               HexMember(row, "message_byte").at(0));
}

TEST(Transcripts, Keccak) {
  ForEach(kFile, "transcripts.keccak_f1600", [](Row const& row) {
    auto state = HexMember(row, "state_in");
    ASSERT_EQ(state.size(), 200U);

    crypto::KeccakF1600(std::span<std::uint8_t, 200>(state.data(), 200));

    EXPECT_EQ(Hex(state), Text(row, "state_out"));
  });
}

TEST(Transcripts, Merlin) {
  ForEach(kFile, "transcripts.merlin", [](Row const& row) {
    auto const message = Repeated(row);
    std::array<std::uint8_t, 64> one{};
    std::array<std::uint8_t, 16> two{};
    crypto::Transcript transcript(Text(row, "label"));

    transcript.Append("data", message);
    transcript.Challenge("one", one);
    transcript.Append("more", message);
    transcript.Challenge("two", two);

    EXPECT_EQ(Hex(one), Text(row, "challenge_one_64"));
    EXPECT_EQ(Hex(two), Text(row, "challenge_two_16"));
  });
}

TEST(Transcripts, SigningChallenge) {
  ForEach(kFile, "transcripts.signing_challenge", [](Row const& row) {
    auto const wide =
        crypto::sr25519::Challenge(HexMember(row, "public"), HexMember(row, "R"), Repeated(row));
    std::array<std::uint8_t, 32> reduced{};

    crypto_core_ristretto255_scalar_reduce(reduced.data(), wide.data());

    EXPECT_EQ(Hex(reduced), Text(row, "k_reduced"));
  });
}

TEST(BusKeys, HaveTheirPublicHalves) {
  ForEach("rmb.json", "keys", [](Row const& row) {
    auto const type = KeyTypeOf(Text(row, "type"));
    auto const seed = SeedOf(row, "seed");
    auto const signer = Signer::FromSeed(type, seed.view());
    EXPECT_EQ(Hex(signer.public_key()), Text(row, "public"));
    EXPECT_EQ(crypto::Ss58Address(signer.public_key()), Text(row, "address_ss58_42"));
    EXPECT_EQ(Hex(crypto::PublicKeyOf(seed.view()).value()), Text(row, "e2e_public"));
    auto const words = Text(row, "mnemonic");
    if (words.empty()) return;
    EXPECT_EQ(Hex(crypto::MiniSecret(words).value().view()), Text(row, "seed"));
    EXPECT_EQ(Signer::FromMnemonic(type, words).value().public_key(), signer.public_key());
  });
}

TEST(Boxes, AreByteEqualAndOpenOnBothSides) {
  ForEach("rmb.json", "e2e", [](Row const& row) {
    auto const a = SeedOf(row, "a_seed");
    auto const b = SeedOf(row, "b_seed");
    auto const shared = crypto::Agree(a.view(), HexMember(row, "b_public")).value();
    auto const nonce = crypto::Exactly<crypto::kBoxNonceBytes>(HexMember(row, "nonce")).value();
    auto const plain = HexMember(row, "plain");

    auto const box = crypto::SealWithNonce(shared, nonce, plain).value();

    EXPECT_EQ(Hex(crypto::PublicKeyOf(a.view()).value()), Text(row, "a_public"));
    EXPECT_EQ(Hex(crypto::PublicKeyOf(b.view()).value()), Text(row, "b_public"));
    EXPECT_EQ(Hex(shared), Text(row, "shared"));
    EXPECT_EQ(Hex(box), Text(row, "box"));
    auto const other = crypto::Agree(b.view(), HexMember(row, "a_public")).value();
    EXPECT_EQ(Hex(crypto::Open(other, box).value()), Text(row, "plain"));
  });
}

TEST(Boxes, AreRefusedWhenDamaged) {
  ForEach("rmb.json", "e2e_invalid", [](Row const& row) {
    auto const opened = crypto::Open(Hex32(Text(row, "shared")), HexMember(row, "box"));
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, Code::kDenied);
  });
}

}  // namespace
}  // namespace trellis::golden
