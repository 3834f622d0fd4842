#include "kernel/ledger/substrate/extrinsic.hpp"

#include "tests/unit/kernel/ledger/substrate/chain_types.hpp"

namespace trellis::ledger::substrate {
namespace {

constexpr std::string_view kSigned =
    "c1018400ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c001731a19a7bad9deb6b38"
    "211d897afa5ffc24ebbfda189a74b235eb27abbaa576ad6d17520c6edc40e6b2cfdd3d28dce58fbaed703b325a7c8d"
    "03c7bf9a39a50a000c001a024d00000000000000";

Bytes CancelCall() {
  auto const* const calls = Runtime().FindStorage("System", "Number");
  EXPECT_NE(calls, nullptr);
  return Codec()
      .Encode(
          TypeNamed("RuntimeCall"),
          boost::json::object{
              {"SmartContractModule",
               boost::json::object{{"cancel_contract", boost::json::object{{"contract_id", 77}}}}}})
      .value();
}

ChainTerms ExampleChain() {
  ChainTerms chain{.spec_version = 149, .tx_version = 2, .genesis = {}, .birth = {}};
  chain.genesis.fill(0x11);
  chain.birth = chain.genesis;
  return chain;
}

TEST(Extrinsics, ASignedCancelHasTheChainsBytes) {
  std::array<std::uint8_t, 32> seed{};
  seed.fill(7);
  auto const signer = crypto::Signer::FromSeed(crypto::KeyType::kEd25519, seed);
  Extrinsic extrinsic;
  extrinsic.signer.bytes = signer.public_key();
  extrinsic.key_type = crypto::KeyType::kEd25519;
  extrinsic.terms.nonce = 3;
  extrinsic.call = CancelCall();
  auto const payload = SignedPayload(extrinsic.call, extrinsic.terms, ExampleChain());
  EXPECT_EQ(crypto::Hex(payload),
            "1a024d00000000000000000c009500000002000000" + std::string(128, '1'));
  extrinsic.signature = signer.Sign(payload);
  EXPECT_EQ(crypto::Hex(EncodeExtrinsic(extrinsic)), kSigned);
}

TEST(Extrinsics, ComeBackTheSame) {
  auto const read = DecodeExtrinsic(crypto::FromHex(kSigned).value());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->key_type, crypto::KeyType::kEd25519);
  EXPECT_EQ(read->terms.nonce, 3U);
  EXPECT_TRUE(read->terms.era.immortal());
  EXPECT_EQ(crypto::Hex(EncodeExtrinsic(*read)), kSigned);
}

TEST(Extrinsics, CutOrChangedBytesAreRefused) {
  auto const bytes = crypto::FromHex(kSigned).value();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(DecodeExtrinsic(BytesView(bytes).first(size))) << size;
  for (auto const& [at, value] : {std::pair{2, 0x04}, std::pair{3, 0x01}, std::pair{36, 0x02}}) {
    auto changed = bytes;
    changed[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(value);
    EXPECT_FALSE(DecodeExtrinsic(changed)) << at;
  }
}

TEST(Extrinsics, LongPayloadsAreSignedAsTheirHash) {
  Bytes const call(300, 1);
  EXPECT_EQ(SignedPayload(call, {}, ExampleChain()).size(), 32U);
}

TEST(Eras, AreCountedFromTheirBirth) {
  auto const era = Era::From(1'000, 64);
  EXPECT_EQ(era.phase, 1'000U % 64U);
  EXPECT_EQ(era.Birth(1'000), 1'000U);
  EXPECT_EQ(era.Birth(1'063), 1'000U);
  EXPECT_EQ(era.Birth(1'064), 1'064U);
}

TEST(Eras, TravelInTwoBytes) {
  for (std::uint64_t const period : {4U, 64U, 4'096U, 65'536U}) {
    Extrinsic extrinsic;
    extrinsic.terms.era = Era::From(77'777, period);
    auto const read = DecodeExtrinsic(EncodeExtrinsic(extrinsic));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->terms.era.period, period);
    EXPECT_EQ(read->terms.era.phase, extrinsic.terms.era.phase);
  }
}

}  // namespace
}  // namespace trellis::ledger::substrate
