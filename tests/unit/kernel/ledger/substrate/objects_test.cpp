#include "tests/unit/kernel/ledger/substrate/chain_types.hpp"

namespace trellis::ledger::substrate {
namespace {

Twin ExampleTwin() {
  Twin twin;
  twin.id = 7;
  twin.account.bytes.fill(0x11);
  twin.relay = "relay.example.org";
  twin.pk.emplace().bytes.fill(0x22);
  twin.pk->bytes[0] = 2;
  return twin;
}

Contract ExampleContract() {
  Contract contract;
  contract.contract_id = 77;
  contract.twin_id = 7;
  contract.node_id = 1;
  contract.hash = "4472ed613288b36e403244a9bcd6df5f";
  contract.data = R"({"type":"vm"})";
  contract.public_ips = 1;
  contract.public_ips_list = {
      {.ip = "185.69.166.10/24", .gateway = "185.69.166.1", .contract_id = 77}};
  return contract;
}

std::string EncodedContract(Contract const& contract) {
  return HexOf(Codec().Encode(TypeNamed("Contract"), ToChain(contract)));
}

template <class T>
json::Value AfterTheWire(std::string_view type, T const& object) {
  auto const bytes = Codec().Encode(TypeNamed(type), ToChain(object));
  EXPECT_TRUE(bytes) << bytes.error().message;
  auto const value = Codec().Decode(TypeNamed(type), *bytes);
  EXPECT_TRUE(value);
  return *value;
}

TEST(ChainObjects, ATwinHasTheChainsBytes) {
  auto const bytes = Codec().Encode(TypeNamed("Twin"), ToChain(ExampleTwin()));
  EXPECT_EQ(HexOf(bytes), "07000000" + std::string(64, '1') +
                              "014472656c61792e6578616d706c652e6f7267" + "00" + "018402" +
                              std::string(64, '2'));
}

TEST(ChainObjects, ANodeContractHasTheChainsBytes) {
  EXPECT_EQ(EncodedContract(ExampleContract()),
            "04000000004d0000000000000007000000000100000034343732656436313332383862333665343033"
            "3234346139626364366466356634"
            "7b2274797065223a22766d227d0100000004403138352e36392e3136362e31302f3234303138352e"
            "36392e3136362e314d0000000000000000");
}

TEST(ChainObjects, ANameContractInGraceHasTheChainsBytes) {
  Contract contract;
  contract.contract_id = 78;
  contract.twin_id = 7;
  contract.kind = ContractKind::kName;
  contract.name = "mysite";
  contract.state = ContractState::kGracePeriod;
  contract.state_arg = 1234;
  contract.solution_provider = 5;
  EXPECT_EQ(EncodedContract(contract),
            "0400000002d2040000000000004e000000000000000700000001186d7973697465010500000000000000");
}

TEST(ChainObjects, ADeletedRentContractHasTheChainsBytes) {
  Contract contract;
  contract.contract_id = 79;
  contract.twin_id = 7;
  contract.kind = ContractKind::kRent;
  contract.node_id = 1;
  contract.state = ContractState::kDeleted;
  contract.state_arg = 1;
  EXPECT_EQ(EncodedContract(contract), "0400000001014f0000000000000007000000020100000000");
}

TEST(ChainObjects, TwinsAndContractsComeBackTheSame) {
  auto const twin = ReadTwin(AfterTheWire("Twin", ExampleTwin()));
  ASSERT_TRUE(twin) << twin.error().message;
  EXPECT_EQ(json::Dump(*twin), json::Dump(ExampleTwin()));
  auto const contract = ReadContract(AfterTheWire("Contract", ExampleContract()));
  ASSERT_TRUE(contract) << contract.error().message;
  EXPECT_EQ(json::Dump(*contract), json::Dump(ExampleContract()));
}

TEST(ChainObjects, FarmsNodesAndPowerComeBackTheSame) {
  Farm farm;
  farm.id = 3;
  farm.name = "farm";
  farm.twin_id = 9;
  farm.dedicated = true;
  farm.public_ips = ExampleContract().public_ips_list;
  EXPECT_EQ(json::Dump(ReadFarm(AfterTheWire("Farm", farm)).value()), json::Dump(farm));
  Node node;
  node.id = 5;
  node.farm_id = 3;
  node.twin_id = 8;
  node.resources = {.hru = 1, .sru = 2, .cru = 3, .mru = 4};
  node.location.city = "Ghent";
  node.interfaces = {{.name = "eth0", .mac = "02:00:00:00:00:01", .ips = {"10.0.0.2/24"}}};
  node.serial = "S1";
  node.created = 1'700'000'000;
  node.public_config = PublicConfig{.ip4 = {.ip = "185.69.166.20/24", .gw = "185.69.166.1"},
                                    .ip6 = IpConfig{.ip = "2a02::2/64", .gw = "2a02::1"},
                                    .domain = "gw.example.org"};
  EXPECT_EQ(json::Dump(ReadNode(AfterTheWire("Node", node)).value()), json::Dump(node));
  NodePower power;
  power.target = Power::kDown;
  EXPECT_EQ(json::Dump(ReadNodePower(AfterTheWire("NodePower", power)).value()), json::Dump(power));
}

TEST(ChainObjects, APeerKeyOfAnotherLengthIsRefusedByName) {
  auto const key = ReadPeerKey(boost::json::string("short"));
  ASSERT_FALSE(key);
  EXPECT_TRUE(key.error().message.starts_with("InvalidPublicKey:")) << key.error().message;
}

}  // namespace
}  // namespace trellis::ledger::substrate
