#include "tests/conformance/ledger/suite.hpp"

namespace trellis::ledger {
namespace {

TEST_P(LedgerSuite, OneAccountHasOneTwin) {
  auto const again =
      ledger_->Submit(By(0), CreateTwin{.account = AccountOf(1), .relay = {}, .pk = {}});

  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kConflict);
  EXPECT_EQ(NameOf(again.error()), "TwinWithPubkeyExists");
  EXPECT_EQ(ledger_->TwinByAccount(AccountOf(1)).value(), 1);
}

TEST_P(LedgerSuite, TwinsAreFoundByIdAndByAccount) {
  EXPECT_EQ(ledger_->GetTwin(kAlice)->account, AccountOf(kAlice));
  EXPECT_EQ(ledger_->TwinByAccount(AccountOf(kBob)).value(), kBob);
}

TEST_P(LedgerSuite, UnknownTwinsAreNotFound) {
  EXPECT_EQ(ledger_->GetTwin(99).error().code, Code::kNotFound);
  EXPECT_EQ(ledger_->TwinByAccount(AccountOf(99)).error().code, Code::kNotFound);
}

TEST_P(LedgerSuite, TwinsUpdateTheirRelayAndKey) {
  PeerKey pk;
  pk.bytes.fill(2);

  ASSERT_EQ(Name(By(kAlice), UpdateTwin{.relay = "relay.example.org", .pk = pk}), "");

  auto const twin = ledger_->GetTwin(kAlice);
  EXPECT_EQ(twin->relay, "relay.example.org");
  EXPECT_EQ(twin->pk, pk);
}

TEST_P(LedgerSuite, RelayMayHaveAPortAndIpv6) {
  EXPECT_EQ(Name(By(kAlice), UpdateTwin{.relay = "[::1]:8080", .pk = {}}), "");
}

TEST_P(LedgerSuite, MalformedRelaysAreRefused) {
  for (auto const* relay : {"", ".a", "a.", "a..b", "a b", "a@b"})
    EXPECT_EQ(Name(By(kAlice), UpdateTwin{.relay = relay, .pk = {}}), "InvalidRelayAddress")
        << relay;
}

TEST_P(LedgerSuite, KeyThatIsNotCompressedIsRefused) {
  EXPECT_EQ(Name(By(kAlice), UpdateTwin{.relay = {}, .pk = PeerKey{}}), "InvalidPublicKey");
}

TEST_P(LedgerSuite, TwinsAreVerifiedUntilAnAdminSaysNo) {
  EXPECT_TRUE(ledger_->TwinVerified(kAlice).value());

  EXPECT_EQ(Name(By(kAlice), SetVerified{.twin = kAlice, .verified = true}), "AdminOnly");
  EXPECT_EQ(Decide(SetVerified{.twin = kAlice, .verified = false}), "");

  EXPECT_EQ(ledger_->TwinVerified(kAlice).value(), !abilities_.administers);
}

}  // namespace
}  // namespace trellis::ledger
