#include "tests/unit/kernel/ledger/facade/chain_world.hpp"

#include <thread>

namespace trellis::ledger::facade {
namespace {

class Submitting : public ChainWorld {
 protected:
  /// The refusal, which must leave the ledger as it was.
  std::string RefusedUnchanged(crypto::Bytes const& extrinsic) {
    auto const before = chain_->Height().value();
    auto why = Refused(extrinsic);
    EXPECT_EQ(chain_->Height().value(), before);
    return why;
  }
};

TEST_F(Submitting, ASecondTimeIsOutdated) {
  auto const extrinsic = Signed(alice_, CreateContract(1));
  EXPECT_EQ(Refused(extrinsic), "");
  EXPECT_EQ(RefusedUnchanged(extrinsic), "Transaction is outdated");
}

TEST_F(Submitting, NoncesAreInOrder) {
  EXPECT_EQ(RefusedUnchanged(Signed(alice_, CreateContract(1), {.nonce = 1})),
            "Transaction will be valid in the future");
  EXPECT_EQ(Refused(Signed(alice_, CreateContract(1), {.nonce = 0})), "");
  EXPECT_EQ(Refused(Signed(alice_, CreateContract(2), {.nonce = 1})), "");
}

TEST_F(Submitting, NoncesOutliveTheDaemon) {
  auto const extrinsic = Signed(alice_, CreateContract(1));
  EXPECT_EQ(Refused(extrinsic), "");
  chain_.reset();
  ledger_.reset();
  ledger_ = EmbeddedLedger::Open(dir_ / "ledger.db").value();
  chain_ = Chain::Make(*ledger_, {}).value();
  EXPECT_EQ(RefusedUnchanged(extrinsic), "Transaction is outdated");
}

TEST_F(Submitting, SignaturesForAnotherChainAreBad) {
  EXPECT_EQ(RefusedUnchanged(Signed(alice_, CreateContract(1), {.genesis_xor = 1})),
            "Transaction has a bad signature");
  EXPECT_EQ(RefusedUnchanged(Signed(alice_, CreateContract(1), {.spec_version = 150})),
            "Transaction has a bad signature");
}

TEST_F(Submitting, EveryChangedByteIsRefused) {
  auto const extrinsic = Signed(bob_, Cancel(1));
  for (std::size_t i = 0; i < extrinsic.size(); ++i) {
    auto changed = extrinsic;
    changed[i] ^= 1U;
    EXPECT_NE(RefusedUnchanged(changed), "") << "byte " << i;
  }
}

TEST_F(Submitting, MortalSignaturesLiveForTheirEra) {
  auto const now = chain_->Height().value();
  auto const long_one = Signed(alice_, CreateContract(1), {.era = Era::From(now, 4'096)});
  auto const short_one = Signed(bob_, CreateContract(2), {.era = Era::From(now, 4)});
  for (int i = 0; i < 4; ++i)
    ASSERT_TRUE(ledger_->Submit(By(kAlice), UpdateTwin{}));
  EXPECT_EQ(Refused(long_one), "");
  EXPECT_EQ(RefusedUnchanged(short_one), "Transaction has a bad signature");
}

TEST_F(Submitting, CallsThatThereAreNotAreRefused) {
  // TfgridModule's call 0, and pallet 40.
  EXPECT_NE(RefusedUnchanged(Signed(alice_, crypto::Bytes{25, 0})), "");
  EXPECT_NE(RefusedUnchanged(Signed(alice_, crypto::Bytes{40, 0, 1})), "");
  EXPECT_NE(RefusedUnchanged(Signed(alice_, crypto::Bytes{})), "");
  EXPECT_EQ(RefusedUnchanged(Signed(alice_, Call("Timestamp", "set", {{"now", 1}}))),
            "call Timestamp.set cannot be made here");
}

TEST_F(Submitting, CallsWithBytesLeftOverAreRefused) {
  auto call = chain_->runtime().codec.Encode(chain_->runtime().call, Cancel(1)).value();
  call.push_back(0);
  EXPECT_NE(RefusedUnchanged(Signed(alice_, call)), "");
}

TEST_F(Submitting, StrangersLeaveNoTrace) {
  auto const stranger = SignerOf(KeyType::kSr25519, 99);
  EXPECT_EQ(RefusedUnchanged(Signed(stranger, CreateContract(1))),
            "TwinNotExists: the account has no twin");
  Account account;
  account.bytes = stranger.public_key();
  EXPECT_EQ(chain_->NextNonce(account).value(), 0U);
}

TEST_F(Submitting, ConcurrentSignersAllGetTheirBlock) {
  constexpr unsigned kEach = 10;
  std::vector<std::thread> threads;
  std::atomic<unsigned> included = 0;
  for (auto const* signer : {&farmer_, &node_, &alice_, &bob_}) {
    threads.emplace_back([&, signer] {
      for (unsigned i = 0; i < kEach; ++i) {
        auto const hash = signer->public_key()[0] * 1000U + i;
        if (Refused(Signed(*signer, CreateContract(hash))).empty()) ++included;
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(included, 4 * kEach);
}

}  // namespace
}  // namespace trellis::ledger::facade
