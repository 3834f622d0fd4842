// What a billing process decides: grace periods and the end of contracts that nobody pays.
#include "kernel/ledger/embedded/refusal.hpp"
#include "kernel/ledger/embedded/tables.hpp"
#include "kernel/ledger/embedded/txn.hpp"
#include "kernel/store/query.hpp"

namespace trellis::ledger::embedded {
namespace {

constexpr std::uint64_t kOutOfFunds = 1;

Result<Contract> RequireState(Txn& txn, std::uint64_t id, ContractState state) {
  TRELLIS_CHECK(RequireAdmin(txn));
  TRELLIS_TRY(auto contract, ReadContract(txn.db, id));
  if (contract.state != state)
    return Refuse("ContractWrongState", "contract {} is in state '{}'", id,
                  contract.state.ToString());
  return contract;
}

Result<void> ChangeState(Txn& txn, Contract const& contract, ContractState state) {
  bool const grace = state == ContractState::kGracePeriod;
  std::uint64_t const since = grace ? txn.height : 0;
  TRELLIS_CHECK(store::Run(
      txn.db, "UPDATE contract SET state = ?2, state_arg = ?3, changed = ?4 WHERE id = ?1",
      contract.contract_id, state, since, txn.now));
  return Emit(
      txn, grace ? EventKind::kContractGracePeriodStarted : EventKind::kContractGracePeriodEnded,
      {.node = contract.node_id, .contract = contract.contract_id, .twin = contract.twin_id},
      grace ? json::Value(since) : json::Value(nullptr));
}

/// The live node contracts that stand and fall with `contract`: those on a rented node.
Result<std::vector<Contract>> Dependents(Txn& txn, Contract const& contract) {
  std::vector<Contract> dependents;
  if (contract.kind != ContractKind::kRent) return dependents;
  TRELLIS_TRY(auto const ids, ListNodeContractIds(txn.db, contract.node_id));
  for (auto const id : ids) {
    TRELLIS_TRY(auto dependent, ReadContract(txn.db, id));
    dependents.push_back(std::move(dependent));
  }
  return dependents;
}

Result<std::uint64_t> ChangeAll(Txn& txn, std::uint64_t id, ContractState from, ContractState to) {
  TRELLIS_TRY(auto const contract, RequireState(txn, id, from));
  TRELLIS_CHECK(ChangeState(txn, contract, to));
  TRELLIS_TRY(auto const dependents, Dependents(txn, contract));
  for (auto const& dependent : dependents) {
    if (dependent.state == from) TRELLIS_CHECK(ChangeState(txn, dependent, to));
  }
  return 0;
}

}  // namespace

Result<std::uint64_t> Apply(Txn& txn, StartGrace const& call) {
  return ChangeAll(txn, call.contract, ContractState::kCreated, ContractState::kGracePeriod);
}

Result<std::uint64_t> Apply(Txn& txn, EndGrace const& call) {
  return ChangeAll(txn, call.contract, ContractState::kGracePeriod, ContractState::kCreated);
}

Result<std::uint64_t> Apply(Txn& txn, DeleteOutOfFunds const& call) {
  TRELLIS_TRY(auto const contract, RequireState(txn, call.contract, ContractState::kGracePeriod));
  TRELLIS_TRY(auto const dependents, Dependents(txn, contract));
  for (auto const& dependent : dependents)
    TRELLIS_CHECK(DeleteContract(txn, dependent, kOutOfFunds));
  TRELLIS_CHECK(DeleteContract(txn, contract, kOutOfFunds));
  return 0;
}

}  // namespace trellis::ledger::embedded
