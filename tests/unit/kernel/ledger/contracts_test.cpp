#include "tests/unit/kernel/ledger/world.hpp"

namespace trellis::ledger {
namespace {

using Contracts = World;

TEST_F(Contracts, SameHashOnANodeIsTakenUntilCancelled) {
  auto const first = Id(By(kAlice), Deploy(1));
  ASSERT_NE(first, 0);

  EXPECT_EQ(Name(By(kBob), Deploy(1)), "ContractIsNotUnique");
  ASSERT_EQ(Name(By(kAlice), CancelContract{first}), "");
  auto const second = Id(By(kBob), Deploy(1));

  EXPECT_GT(second, first);
}

TEST_F(Contracts, ReadBackAsWritten) {
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

TEST_F(Contracts, CancelledOnesAreNotFoundButKeptInHistory) {
  auto const id = Id(By(kAlice), Deploy(1));

  ASSERT_EQ(Name(By(kAlice), CancelContract{id}), "");

  EXPECT_EQ(ledger_->GetContract(id).error().code, Code::kNotFound);
  EXPECT_TRUE(ledger_->ListNodeContracts(kNode)->ids.empty());
  ASSERT_EQ(ledger_->History(~0ULL, 10)->size(), 1);
  EXPECT_EQ(ledger_->History(~0ULL, 10)->front().contract_id, id);
}

TEST_F(Contracts, ReserveFreeAddressesInListOrder) {
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

TEST_F(Contracts, CheckNames) {
  EXPECT_EQ(Name(By(kAlice), CreateNameContract{"ab"}), "NameContractNameTooShort");
  EXPECT_EQ(Name(By(kAlice), CreateNameContract{std::string(64, 'a')}), "");
  EXPECT_EQ(Name(By(kAlice), CreateNameContract{std::string(65, 'a')}), "NameContractNameTooLong");
  EXPECT_EQ(Name(By(kAlice), CreateNameContract{"Abc"}), "NameNotValid");
  EXPECT_EQ(Name(By(kAlice), CreateNameContract{"a.b"}), "NameNotValid");
  EXPECT_EQ(Name(By(kAlice), CreateNameContract{"a-b_1"}), "");
  EXPECT_EQ(Name(By(kBob), CreateNameContract{"a-b_1"}), "NameExists");
}

TEST_F(Contracts, FindANameUntilItIsCancelled) {
  auto const id = Id(By(kAlice), CreateNameContract{"mysite"});
  ASSERT_EQ(ledger_->NameContract("mysite").value(), id);

  ASSERT_EQ(Name(By(kAlice), CancelContract{id}), "");

  EXPECT_EQ(ledger_->NameContract("mysite").error().code, Code::kNotFound);
}

TEST_F(Contracts, UpdateChecksOwnerGraceKindAndHash) {
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
  ASSERT_EQ(Name(Admin(), StartGrace{other}), "");
  EXPECT_EQ(Name(By(kAlice), update(other, 3)), "CannotUpdateContractInGraceState");
  EXPECT_EQ(Name(By(kAlice), update(99, 3)), "ContractNotExists");
}

TEST_F(Contracts, OnlyTheOwnerCancels) {
  auto const id = Id(By(kAlice), Deploy(1));

  EXPECT_EQ(Name(By(kBob), CancelContract{id}), "TwinNotAuthorizedToCancelContract");
}

TEST_F(Contracts, RentedNodeServesItsTenantAlone) {
  auto const rent = Id(By(kAlice), CreateRentContract{.node = kNode, .solution_provider = {}});
  ASSERT_NE(rent, 0);
  EXPECT_EQ(ledger_->RentContract(kNode).value(), rent);

  EXPECT_EQ(Name(By(kBob), Deploy(1)), "NodeNotAvailableToDeploy");
  EXPECT_EQ(Name(By(kBob), CreateRentContract{.node = kNode, .solution_provider = {}}),
            "NodeHasRentContract");
  EXPECT_EQ(Name(By(kAlice), Deploy(1)), "");
  EXPECT_EQ(Name(By(kAlice), CancelContract{rent}), "NodeHasActiveContracts");
}

TEST_F(Contracts, NodeInUseCannotBeRented) {
  ASSERT_NE(Id(By(kAlice), Deploy(1)), 0);

  EXPECT_EQ(Name(By(kBob), CreateRentContract{.node = kNode, .solution_provider = {}}),
            "NodeNotAvailableToDeploy");
}

TEST_F(Contracts, DedicatedNodeMustBeRentedFirst) {
  auto const farm = Id(Admin(), CreateFarm{.name = "big", .twin = kFarmer, .dedicated = true});
  auto const node = AddNode(kBob, ToId(farm));
  auto call = Deploy(1);
  call.node = ToId(node);

  EXPECT_EQ(Name(By(kAlice), call), "NodeNotAvailableToDeploy");
}

TEST_F(Contracts, NodePoweredDownTakesNone) {
  ASSERT_EQ(Name(By(kFarmer), SetPowerTarget{.node = kNode, .target = Power::kDown}), "");

  EXPECT_EQ(Name(By(kAlice), Deploy(1)), "NodeNotAvailableToDeploy");
}

TEST_F(Contracts, HashMustBeLowerCaseHexText) {
  auto raw = Deploy(1);
  raw.hash = std::string(32, '\xff');
  auto upper = Deploy(1);
  upper.hash = std::string(32, 'A');

  EXPECT_EQ(Name(By(kAlice), raw), "HashNotValid");
  EXPECT_EQ(Name(By(kAlice), upper), "HashNotValid");
}

TEST_F(Contracts, GraceOfARentContractTakesItsNodeContractsAlong) {
  auto const rent = Id(By(kAlice), CreateRentContract{.node = kNode, .solution_provider = {}});
  ASSERT_NE(Id(By(kAlice), Deploy(1)), 0);
  auto const second = Id(By(kAlice), Deploy(2));
  auto cursor = LastSeq();

  ASSERT_EQ(Name(Admin(), StartGrace{rent}), "");
  EXPECT_EQ(KindsAfter(cursor), std::vector<std::string>(3, "ContractGracePeriodStarted"));
  EXPECT_TRUE(ledger_->GetContract(second)->in_grace());
  EXPECT_EQ(ledger_->GetContract(second)->state_arg, ledger_->GetHead()->height);
  cursor = LastSeq();
  ASSERT_EQ(Name(Admin(), EndGrace{rent}), "");
  EXPECT_EQ(KindsAfter(cursor), std::vector<std::string>(3, "ContractGracePeriodEnded"));
  EXPECT_EQ(Name(Admin(), EndGrace{rent}), "ContractWrongState");
}

TEST_F(Contracts, OutOfFundsDeletesTheNodeContractsFirst) {
  auto const rent = Id(By(kAlice), CreateRentContract{.node = kNode, .solution_provider = {}});
  ASSERT_NE(Id(By(kAlice), Deploy(1)), 0);
  EXPECT_EQ(Name(Admin(), DeleteOutOfFunds{rent}), "ContractWrongState");
  ASSERT_EQ(Name(Admin(), StartGrace{rent}), "");
  auto const cursor = LastSeq();

  ASSERT_EQ(Name(Admin(), DeleteOutOfFunds{rent}), "");

  EXPECT_EQ(KindsAfter(cursor),
            (std::vector<std::string>{"NodeContractCanceled", "RentContractCanceled"}));
  EXPECT_EQ(ledger_->History(~0ULL, 1)->front().state_arg, 1);
}

TEST_F(Contracts, BillingIsForAdmins) {
  auto const id = Id(By(kAlice), Deploy(1));

  EXPECT_EQ(Name(By(kAlice), StartGrace{id}), "AdminOnly");
}

TEST_F(Contracts, IdsAreNotReusedAfterHistoryIsGone) {
  auto const first = Id(By(kAlice), Deploy(1));
  ASSERT_EQ(Name(By(kAlice), CancelContract{first}), "");
  clock_.now += 40 * 86'400;
  auto const second = Id(By(kAlice), Deploy(1));
  ASSERT_EQ(Name(By(kAlice), CancelContract{second}), "");

  ASSERT_EQ(ledger_->History(~0ULL, 10)->size(), 1);
  EXPECT_EQ(ledger_->History(~0ULL, 10)->front().contract_id, second);
  EXPECT_GT(Id(By(kAlice), Deploy(1)), second);
}

}  // namespace
}  // namespace trellis::ledger
