#include "tests/conformance/ledger/suite.hpp"

namespace trellis::ledger {
namespace {

AddFarmIp Ip(std::string ip, std::string gateway) {
  return {.farm = kFarm, .ip = std::move(ip), .gateway = std::move(gateway)};
}

SetPublicConfig Config(std::string ip, std::string gateway,
                       std::optional<std::string> domain = {}) {
  PublicConfig config;
  config.ip4 = {.ip = std::move(ip), .gw = std::move(gateway)};
  config.domain = std::move(domain);
  return {.node = kNode, .config = config};
}

TEST_P(LedgerSuite, OnlyAdminsCreateFarms) {
  EXPECT_EQ(Name(By(kAlice), CreateFarm{.name = "mine", .twin = 0, .dedicated = false}),
            "AdminOnly");
  EXPECT_EQ(Name(Admin(), CreateFarm{.name = "farm", .twin = 0, .dedicated = false}), "FarmExists");
  EXPECT_EQ(Name(Admin(), CreateFarm{.name = "no spaces", .twin = 0, .dedicated = false}),
            "InvalidFarmName");
}

TEST_P(LedgerSuite, FarmAddressesAreChecked) {
  EXPECT_EQ(Name(By(kAlice), Ip("10.0.0.2/24", "10.0.0.1")), "CannotUpdateFarmWrongTwin");
  EXPECT_EQ(Name(By(kFarmer), Ip("10.0.0.2", "10.0.0.1")), "InvalidPublicIP");
  EXPECT_EQ(Name(By(kFarmer), Ip("10.0.0.2/24", "10.0.1.1")), "InvalidPublicIP");
  EXPECT_EQ(Name(By(kFarmer), Ip("10.0.0.2/24", "10.0.0.2")), "InvalidPublicIP");
  EXPECT_EQ(Name(By(kFarmer), Ip("224.0.0.2/24", "224.0.0.1")), "InvalidPublicIP");
  EXPECT_EQ(Name(By(kFarmer), Ip("10.0.0.2/24", "10.0.0.1")), "");
  EXPECT_EQ(Name(By(kFarmer), Ip("10.0.0.2/24", "10.0.0.1")), "IpExists");
}

TEST_P(LedgerSuite, PrivateAddressesAreRefusedWhenToldSo) {
  auto const strict = Another({.allow_private_ips = false});
  ASSERT_TRUE(strict);

  auto const added = strict->Submit(By(kFarmer), Ip("10.0.0.2/24", "10.0.0.1"));

  ASSERT_FALSE(added);
  EXPECT_EQ(NameOf(added.error()), "InvalidPublicIP");
  EXPECT_TRUE(strict->Submit(By(kFarmer), Ip("185.69.166.2/24", "185.69.166.1")));
}

TEST_P(LedgerSuite, OnlyFreeAddressesAreRemoved) {
  AddIps();
  ASSERT_NE(Id(By(kAlice), Deploy(1, 1)), 0);

  EXPECT_EQ(Name(By(kFarmer), RemoveFarmIp{.farm = kFarm, .ip = "185.69.166.10/24"}),
            "IpNotExists");
  EXPECT_EQ(Name(By(kFarmer), RemoveFarmIp{.farm = kFarm, .ip = "185.69.166.12/24"}), "");

  EXPECT_EQ(ledger_->GetFarm(kFarm)->public_ips.size(), 2);
}

TEST_P(LedgerSuite, PublicConfigIsChecked) {
  EXPECT_EQ(Name(By(kAlice), Config("185.69.166.2/24", "185.69.166.1")),
            "CannotUpdateFarmWrongTwin");
  EXPECT_EQ(Name(By(kFarmer), Config("185.69.166.2/24", "185.69.167.1")), "InvalidPublicIP");
  EXPECT_EQ(Name(By(kFarmer), Config("185.69.166.2/24", "185.69.166.2")), "InvalidPublicIP");
  EXPECT_EQ(Name(By(kFarmer), Config("185.69.166.2/24", "185.69.166.1", "a b")), "InvalidDomain");
  EXPECT_EQ(Name(By(kFarmer), Config("2a10::2/64", "2a10::1")), "InvalidPublicIP");
}

TEST_P(LedgerSuite, PublicConfigIsStoredAndCleared) {
  ASSERT_EQ(Name(By(kFarmer), Config("185.69.166.2/24", "185.69.166.1", "gw.example.org")), "");
  EXPECT_EQ(ledger_->GetNode(kNode)->public_config->domain, "gw.example.org");

  ASSERT_EQ(Name(By(kFarmer), SetPublicConfig{.node = kNode, .config = {}}), "");

  EXPECT_FALSE(ledger_->GetNode(kNode)->public_config.has_value());
}

TEST_P(LedgerSuite, NodesAreListedAndFoundByTwin) {
  EXPECT_EQ(ledger_->ListNodes(kFarm).value(), std::vector<std::uint32_t>{kNode});
  EXPECT_EQ(ledger_->NodeByTwin(kNodeTwin).value(), kNode);
  EXPECT_EQ(ledger_->NodeByTwin(kAlice).error().code, Code::kNotFound);
  EXPECT_EQ(Name(By(kNodeTwin), RegisterNode{.spec = {}}), "NodeWithTwinIdExists");
  EXPECT_EQ(Name(By(kAlice), RegisterNode{.spec = {}}), "FarmNotExists");
}

TEST_P(LedgerSuite, NodeUpdatesItself) {
  UpdateNode call;
  call.node = kNode;
  call.spec.farm_id = kFarm;
  call.spec.resources.cru = 8;

  EXPECT_EQ(Name(By(kAlice), call), "NodeUpdateNotAuthorized");
  EXPECT_EQ(Name(By(kNodeTwin), call), "");

  EXPECT_EQ(ledger_->GetNode(kNode)->resources.cru, 8);
}

}  // namespace
}  // namespace trellis::ledger
