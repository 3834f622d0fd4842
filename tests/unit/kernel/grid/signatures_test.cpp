#include "kernel/grid/signatures.hpp"

#include "tests/unit/kernel/grid/builders.hpp"

#include <gtest/gtest.h>

#include <map>

namespace trellis::grid {
namespace {

using crypto::KeyType;

constexpr ChallengeDigest kHash = {1, 2, 3};

crypto::Signer SignerOf(std::uint32_t twin, KeyType type) {
  std::array<std::uint8_t, 32> seed{};
  seed[0] = static_cast<std::uint8_t>(twin);
  return crypto::Signer::FromSeed(type, seed);
}

class Signatures : public testing::Test {
 protected:
  void SignBy(std::uint32_t twin, KeyType type = KeyType::kEd25519) {
    auto const signer = SignerOf(twin, type);
    keys_[twin] = signer.public_key();
    Sign(deployment_, twin, signer, kHash);
  }

  std::string Refusal(ChallengeDigest const& hash = kHash) {
    auto const done = Verify(deployment_, hash, [this](std::uint32_t twin) {
      ++lookups_;
      return Find(twin);
    });
    return done ? "" : SplitReason(done.error().message).reason;
  }

  Result<crypto::PublicKey> Find(std::uint32_t twin) const {
    auto const found = keys_.find(twin);
    if (found == keys_.end()) return Fail(Code::kNotFound, "no twin {}", twin);
    return found->second;
  }

  SignatureRequirement& requirement() { return deployment_.signature_requirement; }

  Deployment deployment_ = ADeployment();
  std::map<std::uint32_t, crypto::PublicKey> keys_;
  int lookups_ = 0;
};

TEST_F(Signatures, BothKeyTypesAndBothStylesVerify) {
  for (auto const* style : {"", "polka-wallet", "something else"}) {
    for (auto const type : {KeyType::kEd25519, KeyType::kSr25519}) {
      requirement().signature_style = style;
      SignBy(7, type);
      EXPECT_EQ(Refusal(), "") << style;
      EXPECT_EQ(Refusal({9}), "bad_signature") << style;
    }
  }
}

TEST_F(Signatures, SigningAgainReplacesSignatureAndType) {
  SignBy(7, KeyType::kSr25519);
  SignBy(7, KeyType::kEd25519);

  ASSERT_EQ(requirement().signatures.size(), 1U);
  EXPECT_EQ(requirement().signatures[0].signature_type, "ed25519");
  EXPECT_EQ(Refusal(), "");
}

TEST_F(Signatures, TwoOfThreeSufficeWhenTheThirdIsOptional) {
  requirement().requests = {{7, true, 1}, {8, false, 1}, {9, false, 1}};
  requirement().weight_required = 2;
  SignBy(7);
  SignBy(9);
  EXPECT_EQ(Refusal(), "");

  requirement().weight_required = 3;
  EXPECT_EQ(Refusal(), "weight");
}

TEST_F(Signatures, TheOriginatorMustSignAndBeRequested) {
  EXPECT_EQ(Refusal(), "missing_signature");

  requirement().requests = {{8, false, 1}};
  SignBy(8);
  EXPECT_EQ(Refusal(), "originator");
}

TEST_F(Signatures, AnOptionalSignatureThatIsThereMustBeGood) {
  requirement().requests = {{7, true, 1}, {8, false, 1}};
  SignBy(7);
  SignBy(8);
  requirement().signatures[1].signature[0] ^= 1;

  EXPECT_NE(Refusal(), "");
}

TEST_F(Signatures, UnknownTwinAndBadHexHaveTheirReasons) {
  SignBy(7);
  keys_.clear();
  EXPECT_EQ(Refusal(), "unknown_twin");

  SignBy(7);
  requirement().signatures[0].signature += "0";
  EXPECT_EQ(Refusal(), "signature_hex");
  requirement().signatures[0].signature += "0";
  EXPECT_EQ(Refusal(), "bad_signature");
}

TEST_F(Signatures, ARepeatedRequestCountsAgainButIsCheckedOnce) {
  requirement().requests = {{7, true, UINT64_MAX}, {7, true, UINT64_MAX}};
  requirement().weight_required = UINT64_MAX;
  SignBy(7);

  EXPECT_EQ(Refusal(), "");
  EXPECT_EQ(lookups_, 1);
}

TEST_F(Signatures, LengthAndKeyTypeMustFit) {
  SignBy(7, KeyType::kSr25519);
  requirement().signatures[0].signature += "00";  // 65 bytes
  EXPECT_EQ(Refusal(), "bad_signature");
  SignBy(7, KeyType::kSr25519);
  requirement().signatures[0].signature.resize(126);
  EXPECT_EQ(Refusal(), "bad_signature");

  SignBy(7, KeyType::kEd25519);
  requirement().signatures[0].signature_type = "sr25519";
  EXPECT_EQ(Refusal(), "bad_signature");
  requirement().signatures[0].signature_type = "";  // anything else means ed25519
  EXPECT_EQ(Refusal(), "");
}

TEST_F(Signatures, PolkaWalletSignsTheWrappedHexOnly) {
  auto const signer = SignerOf(7, KeyType::kSr25519);
  auto const raw = signer.Sign(crypto::AsBytes(crypto::AsText(kHash)));
  auto const wrapped = signer.Sign(crypto::AsBytes("<Bytes>" + crypto::Hex(kHash) + "</Bytes>"));
  keys_[7] = signer.public_key();
  requirement().signature_style = "polka-wallet";

  requirement().signatures = {{7, crypto::Hex(wrapped), "sr25519"}};
  EXPECT_EQ(Refusal(), "");
  requirement().signatures = {{7, crypto::Hex(raw), "sr25519"}};
  EXPECT_EQ(Refusal(), "bad_signature");
  requirement().signature_style = "";
  EXPECT_EQ(Refusal(), "");
}

TEST_F(Signatures, OfTwinsThatNobodyAskedForAreIgnored) {
  SignBy(7);
  requirement().signatures.push_back({8, "no hex", "ed25519"});
  requirement().signatures.push_back({7, "no hex", "ed25519"});  // the first of a twin counts

  EXPECT_EQ(Refusal(), "");
}

TEST_F(Signatures, AnUnreachableLedgerIsNoRefusal) {
  SignBy(7);
  auto const done = Verify(deployment_, kHash, [](std::uint32_t) -> Result<crypto::PublicKey> {
    return Fail(Code::kUnavailable, "ledger is away");
  });

  EXPECT_EQ(done.error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace trellis::grid
