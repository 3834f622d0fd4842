#include "kernel/ledger/substrate/objects.hpp"
#include "tests/unit/kernel/ledger/facade/chain_world.hpp"

namespace trellis::ledger::facade {
namespace {

using Names = std::vector<std::string>;

TEST_F(ChainWorld, ContractsAreMadeUpdatedAndCancelled) {
  EXPECT_EQ(EventsOf(alice_, CreateContract(1)), (Names{"ContractCreated", "ExtrinsicSuccess"}));
  auto const made = StorageValue("SmartContractModule", "Contracts", {1});
  EXPECT_EQ(made.at("contract_type").at("NodeContract").at("deployment_hash").as_string(), Hash(1));
  EXPECT_EQ(
      EventsOf(
          alice_,
          Call("SmartContractModule", "update_node_contract",
               {{"contract_id", 1}, {"deployment_hash", Hash(2)}, {"deployment_data", "new"}})),
      (Names{"ContractUpdated", "ExtrinsicSuccess"}));
  EXPECT_EQ(
      StorageValue("SmartContractModule", "ContractIDByNodeIDAndHash", {1, json::Value(Hash(2))}),
      1);
  EXPECT_EQ(EventsOf(alice_, Cancel(1)), (Names{"NodeContractCanceled", "ExtrinsicSuccess"}));
  EXPECT_TRUE(StorageValue("SmartContractModule", "Contracts", {1}).is_null());
}

TEST_F(ChainWorld, BothKeyTypesSign) {
  EXPECT_EQ(EventsOf(bob_, CreateContract(1)), (Names{"ContractCreated", "ExtrinsicSuccess"}));
  EXPECT_EQ(ledger_->GetContract(1)->twin_id, kBob);
}

TEST_F(ChainWorld, ANewAccountBecomesATwin) {
  auto const carol = SignerOf(KeyType::kSr25519, 9);
  auto const create =
      Call("TfgridModule", "create_twin", {{"relay", "r.example.org"}, {"pk", nullptr}});
  EXPECT_EQ(EventsOf(carol, Call("TfgridModule", "user_accept_tc",
                                 {{"document_link", "l"}, {"document_hash", "h"}})),
            (Names{"ExtrinsicSuccess"}));
  EXPECT_EQ(EventsOf(carol, create), (Names{"TwinStored", "ExtrinsicSuccess"}));
  EXPECT_EQ(EventsOf(carol, create), (Names{"ExtrinsicFailed TfgridModule.TwinWithPubkeyExists"}));
  EXPECT_EQ(ledger_->GetTwin(5)->relay, "r.example.org");
}

TEST_F(ChainWorld, RefusalsOfTheLedgerAreIncludedByName) {
  EXPECT_EQ(EventsOf(alice_, CreateContract(1, 99)),
            (Names{"ExtrinsicFailed SmartContractModule.NodeNotExists"}));
  EXPECT_EQ(EventsOf(alice_, Cancel(7)),
            (Names{"ExtrinsicFailed SmartContractModule.ContractNotExists"}));
  EXPECT_EQ(EventsOf(alice_, Cancel(~std::uint64_t{0})),
            (Names{"ExtrinsicFailed SmartContractModule.ContractNotExists"}));
  EXPECT_EQ(EventsOf(alice_, Call("SmartContractModule", "create_name_contract", {{"name", "x"}})),
            (Names{"ExtrinsicFailed SmartContractModule.NameContractNameTooShort"}));
  EXPECT_EQ(EventsOf(alice_, Call("TfgridModule", "add_farm_ip",
                                  {{"farm_id", 1}, {"ip", "1.2.3.4/24"}, {"gw", "1.2.3.1"}})),
            (Names{"ExtrinsicFailed TfgridModule.CannotUpdateFarmWrongTwin"}));
}

TEST_F(ChainWorld, RawHashBytesAreRefused) {
  EXPECT_EQ(EventsOf(alice_, Call("SmartContractModule", "create_node_contract",
                                  {{"node_id", 1},
                                   {"deployment_hash", std::string(32, '\xff')},
                                   {"deployment_data", ""},
                                   {"public_ips", 0},
                                   {"solution_provider_id", nullptr}})),
            (Names{"ExtrinsicFailed SmartContractModule.HashNotValid"}));
}

TEST_F(ChainWorld, AllOfABatchOrNothing) {
  EXPECT_EQ(EventsOf(alice_, Batch("batch_all", {CreateContract(1), CreateContract(2)})),
            (Names{"ContractCreated", "ItemCompleted", "ContractCreated", "ItemCompleted",
                   "BatchCompleted", "ExtrinsicSuccess"}));
  EXPECT_EQ(EventsOf(alice_, Batch("batch_all", {CreateContract(3), CreateContract(1)})),
            (Names{"ExtrinsicFailed SmartContractModule.ContractIsNotUnique"}));
  EXPECT_FALSE(ledger_->ContractByHash(kNode, Hash(3)));
}

TEST_F(ChainWorld, APlainBatchKeepsWhatCameBeforeTheFailure) {
  EXPECT_EQ(EventsOf(alice_, Batch("batch", {CreateContract(1), Cancel(77), CreateContract(2)})),
            (Names{"ContractCreated", "ItemCompleted",
                   "BatchInterrupted SmartContractModule.ContractNotExists", "ExtrinsicSuccess"}));
  EXPECT_TRUE(ledger_->ContractByHash(kNode, Hash(1)));
  EXPECT_FALSE(ledger_->ContractByHash(kNode, Hash(2)));
}

TEST_F(ChainWorld, ABatchOfAsManyAsClientsSend) {
  array calls;
  for (unsigned i = 0; i < 400; ++i)
    calls.push_back(CreateContract(i));
  auto const events = EventsOf(alice_, Batch("batch_all", calls));
  EXPECT_EQ(events.size(), 802U);
  for (unsigned i = 400; i < 502; ++i)
    calls.push_back(CreateContract(i));
  EXPECT_EQ(Refused(Signed(alice_, Batch("batch_all", calls))), "more than 500 calls in one batch");
}

TEST_F(ChainWorld, NodesReport) {
  ASSERT_EQ(EventsOf(alice_, CreateContract(1)).size(), 2U);
  object const used{{"hru", 1}, {"sru", 2}, {"cru", 3}, {"mru", 4}};
  EXPECT_EQ(
      EventsOf(node_,
               Call("SmartContractModule", "report_contract_resources",
                    {{"contract_resources", array{object{{"contract_id", 1}, {"used", used}}}}})),
      (Names{"ExtrinsicSuccess"}));
  EXPECT_EQ(StorageValue("SmartContractModule", "NodeContractResources", {1}).at("used").at("mru"),
            4);
  EXPECT_EQ(EventsOf(node_, Call("SmartContractModule", "add_nru_reports",
                                 {{"reports", array{object{{"contract_id", 1},
                                                           {"timestamp", 1'700'000'000},
                                                           {"window", 300},
                                                           {"nru", 12}}}}})),
            (Names{"ExtrinsicSuccess"}));
  EXPECT_EQ(ledger_->ReportedNru(1).value(), 12U);
  auto const uptime = [&](std::int64_t off) {
    return Call("TfgridModule", "report_uptime_v2",
                {{"uptime", 5}, {"timestamp_hint", clock_.UnixSeconds() + off}});
  };
  EXPECT_EQ(EventsOf(node_, uptime(60)), (Names{"ExtrinsicSuccess"}));
  EXPECT_EQ(EventsOf(node_, uptime(61)),
            (Names{"ExtrinsicFailed TfgridModule.InvalidTimestampHint"}));
  EXPECT_EQ(EventsOf(node_, Call("TfgridModule", "report_uptime", {{"uptime", 5}})),
            (Names{"ExtrinsicSuccess"}));
  EXPECT_EQ(EventsOf(node_, Call("TfgridModule", "change_power_state", {{"power_state", "Down"}})),
            (Names{"PowerStateChanged", "ExtrinsicSuccess"}));
  EXPECT_EQ(StorageValue("TfgridModule", "NodePower", {1}).at("target"), "Up");
}

TEST_F(ChainWorld, NodesRegisterAndChange) {
  object const spec{
      {"farm_id", 1},
      {"resources", object{{"hru", 1}, {"sru", 2}, {"cru", 3}, {"mru", 4}}},
      {"location",
       object{{"city", "Ghent"}, {"country", "Belgium"}, {"latitude", "51"}, {"longitude", "3"}}},
      {"interfaces",
       array{
           object{{"name", "eth0"}, {"mac", "02:00:00:00:00:01"}, {"ips", array{"10.0.0.2/24"}}}}},
      {"secure_boot", true},
      {"virtualized", false},
      {"serial_number", "S1"}};
  EXPECT_EQ(EventsOf(bob_, Call("TfgridModule", "create_node", spec)),
            (Names{"NodeStored", "ExtrinsicSuccess"}));
  EXPECT_EQ(StorageValue("TfgridModule", "NodeIdByTwinID", {kBob}), 2);
  EXPECT_EQ(StorageValue("TfgridModule", "NodesByFarmID", {1}), (array{1, 2}));
  EXPECT_EQ(StorageValue("TfgridModule", "Nodes", {2}).at("serial_number"), "S1");
  auto changed = spec;
  changed["node_id"] = 2;
  changed["serial_number"] = nullptr;
  EXPECT_EQ(EventsOf(bob_, Call("TfgridModule", "update_node", changed)),
            (Names{"NodeUpdated", "ExtrinsicSuccess"}));
  EXPECT_EQ(EventsOf(alice_, Call("TfgridModule", "update_node", changed)),
            (Names{"ExtrinsicFailed TfgridModule.NodeUpdateNotAuthorized"}));
}

TEST_F(ChainWorld, FarmersManageAddressesConfigurationAndPower) {
  EXPECT_EQ(
      EventsOf(farmer_, Call("TfgridModule", "add_farm_ip",
                             {{"farm_id", 1}, {"ip", "185.69.166.10/24"}, {"gw", "185.69.166.1"}})),
      (Names{"FarmUpdated", "ExtrinsicSuccess"}));
  EXPECT_EQ(StorageValue("TfgridModule", "Farms", {1}).at("public_ips").as_array().size(), 1U);
  EXPECT_EQ(EventsOf(farmer_, Call("TfgridModule", "remove_farm_ip",
                                   {{"farm_id", 1}, {"ip", "185.69.166.10/24"}})),
            (Names{"FarmUpdated", "ExtrinsicSuccess"}));
  auto const config = [&](std::uint32_t farm) {
    return Call("TfgridModule", "add_node_public_config",
                {{"farm_id", farm},
                 {"node_id", 1},
                 {"public_config",
                  object{{"ip4", object{{"ip", "185.69.166.20/24"}, {"gw", "185.69.166.1"}}},
                         {"ip6", nullptr},
                         {"domain", "gw.example.org"}}}});
  };
  EXPECT_EQ(EventsOf(farmer_, config(1)), (Names{"NodePublicConfigStored", "ExtrinsicSuccess"}));
  EXPECT_EQ(EventsOf(farmer_, config(2)),
            (Names{"ExtrinsicFailed TfgridModule.FarmerNotAuthorized"}));
  EXPECT_EQ(EventsOf(farmer_, Call("TfgridModule", "change_power_target",
                                   {{"node_id", 1}, {"power_target", "Down"}})),
            (Names{"PowerTargetChanged", "ExtrinsicSuccess"}));
  EXPECT_EQ(EventsOf(alice_, CreateContract(1)),
            (Names{"ExtrinsicFailed SmartContractModule.NodeNotAvailableToDeploy"}));
}

TEST_F(ChainWorld, OnlyAdminsCreateFarms) {
  auto const create =
      Call("TfgridModule", "create_farm", {{"name", "second"}, {"public_ips", array()}});
  EXPECT_EQ(EventsOf(alice_, create), (Names{"ExtrinsicFailed TfgridModule.AdminOnly"}));
  chain_ = Chain::Make(*ledger_, {kAlice}).value();
  EXPECT_EQ(EventsOf(alice_, create), (Names{"FarmStored", "ExtrinsicSuccess"}));
}

TEST_F(ChainWorld, OtherWritesAreBlocksWithTheirEvents) {
  ASSERT_TRUE(ledger_->Submit(By(kAlice), CreateNameContract{.name = "mysite"}));
  auto const head = chain_->BlockAt(chain_->Height().value()).value();
  EXPECT_EQ(EventsOf(head.hash), (Names{"ContractCreated"}));
  EXPECT_TRUE(head.extrinsic.empty());
  EXPECT_EQ(chain_->ExtrinsicsOf(head)->size(), 1U);
}

TEST_F(ChainWorld, BlocksLinkDownToTheGenesis) {
  ASSERT_EQ(EventsOf(alice_, CreateContract(1)).size(), 2U);
  auto hash = chain_->BlockAt(chain_->Height().value()).value().hash;
  for (auto height = chain_->Height().value(); height > 0; --height) {
    auto const block = chain_->BlockOf(hash).value();
    EXPECT_EQ(block.header.number, height);
    EXPECT_EQ(substrate::HashOf(block.header), hash) << "what clients compute";
    hash = block.header.parent;
  }
  EXPECT_EQ(hash, chain_->genesis());
}

TEST_F(ChainWorld, StorageOfAnUnknownBlockIsAnError) {
  auto const key = substrate::StoragePrefix("System", "Events");
  auto const value = chain_->Storage(key, substrate::Hash{});
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, Code::kNotFound);
}

TEST_F(ChainWorld, AccountsShowABalance) {
  Account account;
  account.bytes = alice_.public_key();
  auto const info = StorageValue("System", "Account", {substrate::ToChain(account)});
  EXPECT_EQ(info.at("data").at("free"), kBalance);
  ASSERT_EQ(EventsOf(alice_, CreateContract(1)).size(), 2U);
  EXPECT_EQ(StorageValue("System", "Account", {substrate::ToChain(account)}).at("nonce"), 1);
}

}  // namespace
}  // namespace trellis::ledger::facade
