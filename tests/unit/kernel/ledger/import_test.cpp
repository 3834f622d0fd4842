#include "tests/unit/kernel/ledger/world.hpp"

namespace trellis::ledger {
namespace {

using Import = World;

ImportTwin TwinWithId(std::uint32_t id, std::uint8_t account) {
  return {.id = id, .account = AccountOf(account), .relay = {}, .pk = {}};
}

TEST_F(Import, KeepsIdsAndGoesOnAboveTheLargest) {
  auto const counts = ledger_->Import({.twins = {TwinWithId(100, 50)}, .contracts = {}});

  ASSERT_TRUE(counts) << counts.error().message;
  EXPECT_EQ(counts->twins, 1);
  EXPECT_EQ(ledger_->TwinByAccount(AccountOf(50)).value(), 100);
  EXPECT_EQ(Id(By(0), CreateTwin{.account = AccountOf(51), .relay = {}, .pk = {}}), 101);
}

TEST_F(Import, ReadsTheFileFormat) {
  auto const data = json::Parse<ImportData>(
      R"({"twins":[{"id":9,"account":"0x)" + std::string(64, '9') +
      R"(","relay":"127.0.0.1:80","pk":null}],"contracts":[{"twin":9,"node":1,)"
      R"("hash":"0x3030303030303030303030303030303030303030303030303030303030303030","data":"0x7b7d"}]})");
  ASSERT_TRUE(data) << data.error().message;

  auto const counts = ledger_->Import(*data);

  ASSERT_TRUE(counts) << counts.error().message;
  auto const id = ledger_->ContractByHash(kNode, Hash(0));
  ASSERT_TRUE(id);
  EXPECT_EQ(ledger_->GetContract(*id)->data, "{}");
  EXPECT_EQ(ledger_->GetContract(*id)->twin_id, 9);
}

TEST_F(Import, TwiceSkipsKnownTwins) {
  ASSERT_TRUE(ledger_->Import({.twins = {TwinWithId(100, 50)}, .contracts = {}}));

  EXPECT_EQ(ledger_->Import({.twins = {TwinWithId(100, 50)}, .contracts = {}})->twins, 0);
}

TEST_F(Import, IsAllOrNothing) {
  auto const counts =
      ledger_->Import({.twins = {TwinWithId(100, 50), TwinWithId(kAlice, 60)}, .contracts = {}});

  ASSERT_FALSE(counts);
  EXPECT_EQ(counts.error().message, "twin 3: TwinWithPubkeyExists: twin 3 has another account");
  EXPECT_FALSE(ledger_->GetTwin(100));
}

}  // namespace
}  // namespace trellis::ledger
