#include "tests/unit/kernel/ledger/world.hpp"

namespace trellis::ledger {
namespace {

using Twins = World;

TEST_F(Twins, OneAccountHasOneTwin) {
  auto const again =
      ledger_->Submit(By(0), CreateTwin{.account = AccountOf(1), .relay = {}, .pk = {}});

  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kConflict);
  EXPECT_EQ(again.error().message, "TwinWithPubkeyExists: the account has twin 1");
}

TEST_F(Twins, AreFoundByIdAndByAccount) {
  EXPECT_EQ(ledger_->GetTwin(kAlice)->account, AccountOf(kAlice));
  EXPECT_EQ(ledger_->TwinByAccount(AccountOf(kBob)).value(), kBob);
}

TEST_F(Twins, UnknownOnesAreNotFound) {
  EXPECT_EQ(ledger_->GetTwin(99).error().code, Code::kNotFound);
  EXPECT_EQ(ledger_->TwinByAccount(AccountOf(99)).error().code, Code::kNotFound);
}

TEST_F(Twins, UpdateTheirRelayAndKey) {
  PeerKey pk;
  pk.bytes.fill(2);

  ASSERT_EQ(Name(By(kAlice), UpdateTwin{.relay = "relay.example.org", .pk = pk}), "");

  auto const twin = ledger_->GetTwin(kAlice);
  EXPECT_EQ(twin->relay, "relay.example.org");
  EXPECT_EQ(twin->pk, pk);
}

TEST_F(Twins, RelayMayHaveAPortAndIpv6) {
  EXPECT_EQ(Name(By(kAlice), UpdateTwin{.relay = "[::1]:8080", .pk = {}}), "");
}

TEST_F(Twins, RefuseMalformedRelays) {
  for (auto const* relay : {"", ".a", "a.", "a..b", "a b", "a@b"})
    EXPECT_EQ(Name(By(kAlice), UpdateTwin{.relay = relay, .pk = {}}), "InvalidRelayAddress")
        << relay;
}

TEST_F(Twins, RefuseAKeyThatIsNotCompressed) {
  EXPECT_EQ(Name(By(kAlice), UpdateTwin{.relay = {}, .pk = PeerKey{}}), "InvalidPublicKey");
}

TEST_F(Twins, AreVerifiedUntilAnAdminSaysNo) {
  EXPECT_TRUE(ledger_->TwinVerified(kAlice).value());

  EXPECT_EQ(Name(By(kAlice), SetVerified{.twin = kAlice, .verified = true}), "AdminOnly");
  EXPECT_EQ(Name(Admin(), SetVerified{.twin = kAlice, .verified = false}), "");

  EXPECT_FALSE(ledger_->TwinVerified(kAlice).value());
}

}  // namespace
}  // namespace trellis::ledger
