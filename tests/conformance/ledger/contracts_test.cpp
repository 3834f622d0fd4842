#include "tests/conformance/ledger/suite.hpp"

namespace trellis::ledger {
namespace {

TEST_P(LedgerSuite, HashOnANodeIsTakenUntilCancelled) {
  auto const first = Id(By(kAlice), Deploy(1));
  ASSERT_NE(first, 0);

  EXPECT_EQ(Name(By(kBob), Deploy(1)), "ContractIsNotUnique");
  ASSERT_EQ(Name(By(kAlice), CancelContract{first}), "");
  auto const second = Id(By(kBob), Deploy(1));

  EXPECT_GT(second, first);
}

TEST_P(LedgerSuite, ContractsReadBackAsWritten) {
  auto const id = Id(By(kAlice), Deploy(1));

  auto const contract = ledger_->GetContract(id);

  ASSERT_TRUE(contract);
  EXPECT_EQ(contract->contract_id, id);
  EXPECT_EQ(contract->twin_id, kAlice);
  EXPECT_EQ(contract->kind, ContractKind::kNode);
  EXPECT_EQ(contract->state, ContractState::kCreated);
  EXPECT_EQ(contract->node_id, kNode);
  EXPECT_EQ(contract->hash, Hash(1));
  EXPECT_EQ(contract->data, "{}");
  EXPECT_EQ(ledger_->ContractByHash(kNode, Hash(1)).value(), id);
  EXPECT_EQ(ledger_->ListNodeContracts(kNode)->ids, std::vector{id});
}

TEST_P(LedgerSuite, CancelledContractsAreNotFoundButKeptInHistory) {
  auto const id = Id(By(kAlice), Deploy(1));

  ASSERT_EQ(Name(By(kAlice), CancelContract{id}), "");

  EXPECT_EQ(ledger_->GetContract(id).error().code, Code::kNotFound);
  EXPECT_TRUE(ledger_->ListNodeContracts(kNode)->ids.empty());
  ASSERT_EQ(keeper_->History(~0ULL, 10)->size(), 1);
  EXPECT_EQ(keeper_->History(~0ULL, 10)->front().contract_id, id);
}

TEST_P(LedgerSuite, ContractsReserveFreeAddressesInListOrder) {
  AddIps();
  auto const first = Id(By(kAlice), Deploy(1, 2));
  ASSERT_NE(first, 0);
  EXPECT_EQ(ledger_->GetContract(first)->public_ips_list[0].ip, "185.69.166.10/24");
  EXPECT_EQ(ledger_->GetContract(first)->public_ips_list[1].ip, "185.69.166.11/24");
  EXPECT_EQ(ledger_->GetFarm(kFarm)->public_ips[1].contract_id, first);

  EXPECT_EQ(Name(By(kBob), Deploy(2, 2)), "FarmHasNotEnoughPublicIPsFree");
  EXPECT_EQ(Name(By(kBob), Deploy(2, 4)), "FarmHasNotEnoughPublicIPs");
  ASSERT_EQ(Name(By(kAlice), CancelContract{first}), "");
  auto const second = Id(By(kBob), Deploy(2, 2));

  ASSERT_NE(second, 0);
  EXPECT_EQ(ledger_->GetContract(second)->public_ips_list[0].ip, "185.69.166.10/24");
  EXPECT_EQ(ledger_->GetContract(second)->public_ips_list[1].ip, "185.69.166.11/24");
}

TEST_P(LedgerSuite, ContractNamesAreChecked) {
  EXPECT_EQ(Name(By(kAlice), CreateNameContract{"ab"}), "NameContractNameTooShort");
  EXPECT_EQ(Name(By(kAlice), CreateNameContract{std::string(64, 'a')}), "");
  EXPECT_EQ(Name(By(kAlice), CreateNameContract{std::string(65, 'a')}), "NameContractNameTooLong");
  EXPECT_EQ(Name(By(kAlice), CreateNameContract{"Abc"}), "NameNotValid");
  EXPECT_EQ(Name(By(kAlice), CreateNameContract{"a.b"}), "NameNotValid");
  EXPECT_EQ(Name(By(kAlice), CreateNameContract{"a-b_1"}), "");
  EXPECT_EQ(Name(By(kBob), CreateNameContract{"a-b_1"}), "NameExists");
}

TEST_P(LedgerSuite, NamesAreFoundUntilCancelled) {
  auto const id = Id(By(kAlice), CreateNameContract{"mysite"});
  ASSERT_EQ(ledger_->NameContract("mysite").value(), id);

  ASSERT_EQ(Name(By(kAlice), CancelContract{id}), "");

  EXPECT_EQ(ledger_->NameContract("mysite").error().code, Code::kNotFound);
}

TEST_P(LedgerSuite, ContractUpdateChecksOwnerGraceKindAndHash) {
  auto const mine = Id(By(kAlice), Deploy(1));
  auto const other = Id(By(kAlice), Deploy(2));
  auto const name = Id(By(kAlice), CreateNameContract{"mysite"});
  auto const update = [](std::uint64_t id, unsigned hash) {
    return UpdateNodeContract{.contract = id, .hash = Hash(hash), .data = "new"};
  };

  EXPECT_EQ(Name(By(kBob), update(mine, 3)), "TwinNotAuthorizedToUpdateContract");
  EXPECT_EQ(Name(By(kAlice), update(name, 3)), "InvalidContractType");
  EXPECT_EQ(Name(By(kAlice), update(mine, 2)), "ContractIsNotUnique");
  EXPECT_EQ(Name(By(kAlice), update(mine, 1)), "");
  ASSERT_EQ(Decide(StartGrace{other}), "");
  EXPECT_EQ(Name(By(kAlice), update(other, 3)), "CannotUpdateContractInGraceState");
  EXPECT_EQ(Name(By(kAlice), update(99, 3)), "ContractNotExists");
}

TEST_P(LedgerSuite, OnlyTheOwnerCancelsAContract) {
  auto const id = Id(By(kAlice), Deploy(1));

  EXPECT_EQ(Name(By(kBob), CancelContract{id}), "TwinNotAuthorizedToCancelContract");
}

TEST_P(LedgerSuite, RentedNodeServesItsTenantAlone) {
  auto const rent = Id(By(kAlice), CreateRentContract{.node = kNode, .solution_provider = {}});
  ASSERT_NE(rent, 0);
  EXPECT_EQ(ledger_->RentContract(kNode).value(), rent);

  EXPECT_EQ(Name(By(kBob), Deploy(1)), "NodeNotAvailableToDeploy");
  EXPECT_EQ(Name(By(kBob), CreateRentContract{.node = kNode, .solution_provider = {}}),
            "NodeHasRentContract");
  EXPECT_EQ(Name(By(kAlice), Deploy(1)), "");
  EXPECT_EQ(Name(By(kAlice), CancelContract{rent}), "NodeHasActiveContracts");
}

TEST_P(LedgerSuite, NodeInUseCannotBeRented) {
  ASSERT_NE(Id(By(kAlice), Deploy(1)), 0);

  EXPECT_EQ(Name(By(kBob), CreateRentContract{.node = kNode, .solution_provider = {}}),
            "NodeNotAvailableToDeploy");
}

TEST_P(LedgerSuite, DedicatedNodeMustBeRentedFirst) {
  auto const farm =
      keeper_->Submit(Admin(), CreateFarm{.name = "big", .twin = kFarmer, .dedicated = true});
  ASSERT_TRUE(farm) << farm.error().message;
  auto const node = AddNode(kBob, ToId(*farm));
  auto call = Deploy(1);
  call.node = ToId(node);

  EXPECT_EQ(Name(By(kAlice), call), "NodeNotAvailableToDeploy");
}

TEST_P(LedgerSuite, NodePoweredDownTakesNoContract) {
  ASSERT_EQ(Name(By(kFarmer), SetPowerTarget{.node = kNode, .target = Power::kDown}), "");

  EXPECT_EQ(Name(By(kAlice), Deploy(1)), "NodeNotAvailableToDeploy");
}

TEST_P(LedgerSuite, HashMustBeLowerCaseHexText) {
  auto raw = Deploy(1);
  raw.hash = std::string(32, '\xff');
  auto upper = Deploy(1);
  upper.hash = std::string(32, 'A');

  EXPECT_EQ(Name(By(kAlice), raw), "HashNotValid");
  EXPECT_EQ(Name(By(kAlice), upper), "HashNotValid");
}

TEST_P(LedgerSuite, GraceOfARentContractTakesItsNodeContractsAlong) {
  auto const rent = Id(By(kAlice), CreateRentContract{.node = kNode, .solution_provider = {}});
  auto const first = Id(By(kAlice), Deploy(1));
  auto const second = Id(By(kAlice), Deploy(2));
  auto cursor = LastSeq();

  ASSERT_EQ(Decide(StartGrace{rent}), "");
  EXPECT_EQ(KindsAfter(cursor), std::vector<std::string>(3, "ContractGracePeriodStarted"));
  EXPECT_TRUE(ledger_->GetContract(second)->in_grace());
  EXPECT_EQ(ledger_->ListNodeContracts(kNode)->grace.value_or(std::vector{first, second}),
            (std::vector{first, second}));
  EXPECT_EQ(ledger_->GetContract(second)->state_arg, ledger_->GetHead()->height);
  cursor = LastSeq();
  ASSERT_EQ(Decide(EndGrace{rent}), "");
  EXPECT_EQ(KindsAfter(cursor), std::vector<std::string>(3, "ContractGracePeriodEnded"));
  EXPECT_EQ(Decide(EndGrace{rent}), "ContractWrongState");
  EXPECT_TRUE(
      ledger_->ListNodeContracts(kNode)->grace.value_or(std::vector<std::uint64_t>{}).empty());
}

TEST_P(LedgerSuite, OutOfFundsDeletesTheNodeContractsFirst) {
  auto const rent = Id(By(kAlice), CreateRentContract{.node = kNode, .solution_provider = {}});
  ASSERT_NE(Id(By(kAlice), Deploy(1)), 0);
  EXPECT_EQ(Decide(DeleteOutOfFunds{rent}), "ContractWrongState");
  ASSERT_EQ(Decide(StartGrace{rent}), "");
  auto const cursor = LastSeq();

  ASSERT_EQ(Decide(DeleteOutOfFunds{rent}), "");

  EXPECT_EQ(KindsAfter(cursor),
            (std::vector<std::string>{"NodeContractCanceled", "RentContractCanceled"}));
  EXPECT_EQ(keeper_->History(~0ULL, 1)->front().state_arg, 1);
}

TEST_P(LedgerSuite, BillingIsForAdmins) {
  auto const id = Id(By(kAlice), Deploy(1));

  EXPECT_EQ(Name(By(kAlice), StartGrace{id}), "AdminOnly");
  EXPECT_EQ(Name(Admin(), StartGrace{id}), abilities_.administers ? "" : "AdminOnly");
}

TEST_P(LedgerSuite, IdsAreNotReusedAfterHistoryIsGone) {
  auto const first = Id(By(kAlice), Deploy(1));
  ASSERT_EQ(Name(By(kAlice), CancelContract{first}), "");
  place_->CatchUp(*ledger_);  // a chain's last final block is not forgotten
  clock_.now += 40 * 86'400;
  auto const second = Id(By(kAlice), Deploy(1));
  ASSERT_EQ(Name(By(kAlice), CancelContract{second}), "");

  ASSERT_EQ(keeper_->History(~0ULL, 10)->size(), 1);
  EXPECT_EQ(keeper_->History(~0ULL, 10)->front().contract_id, second);
  EXPECT_GT(Id(By(kAlice), Deploy(1)), second);
}

}  // namespace
}  // namespace trellis::ledger
