// What a billing process decides: grace periods and the end of contracts that nobody pays.
#include "kernel/ledger/rules/refusal.hpp"
#include "kernel/ledger/rules/write.hpp"

namespace trellis::ledger::rules {
namespace {

constexpr std::uint64_t kOutOfFunds = 1;

Result<Contract> RequireState(Write& write, std::uint64_t id, ContractState state) {
  TRELLIS_CHECK(RequireAdmin(write));
  TRELLIS_TRY(auto contract, write.state.ReadContract(id));
  if (contract.state != state)
    return Refuse("ContractWrongState", "contract {} is in state '{}'", id,
                  contract.state.ToString());
  return contract;
}

Result<void> ChangeState(Write& write, Contract contract, ContractState state) {
  bool const grace = state == ContractState::kGracePeriod;
  contract.state = state;
  contract.state_arg = grace ? write.height : 0;
  TRELLIS_CHECK(write.state.ChangeContract(contract));
  return Emit(
      write, grace ? EventKind::kContractGracePeriodStarted : EventKind::kContractGracePeriodEnded,
      {.node = contract.node_id, .contract = contract.contract_id, .twin = contract.twin_id},
      grace ? json::Value(contract.state_arg) : json::Value(nullptr));
}

/// The live node contracts that stand and fall with `contract`: those on a rented node.
Result<std::vector<Contract>> Dependents(Write& write, Contract const& contract) {
  std::vector<Contract> dependents;
  if (contract.kind != ContractKind::kRent) return dependents;
  TRELLIS_TRY(auto const ids, write.state.ListNodeContracts(contract.node_id));
  for (auto const id : ids) {
    TRELLIS_TRY(auto dependent, write.state.ReadContract(id));
    dependents.push_back(std::move(dependent));
  }
  return dependents;
}

Result<std::uint64_t> ChangeAll(Write& write, std::uint64_t id, ContractState from,
                                ContractState to) {
  TRELLIS_TRY(auto const contract, RequireState(write, id, from));
  TRELLIS_CHECK(ChangeState(write, contract, to));
  TRELLIS_TRY(auto const dependents, Dependents(write, contract));
  for (auto const& dependent : dependents) {
    if (dependent.state == from) TRELLIS_CHECK(ChangeState(write, dependent, to));
  }
  return 0;
}

}  // namespace

Result<std::uint64_t> Apply(Write& write, StartGrace const& call) {
  return ChangeAll(write, call.contract, ContractState::kCreated, ContractState::kGracePeriod);
}

Result<std::uint64_t> Apply(Write& write, EndGrace const& call) {
  return ChangeAll(write, call.contract, ContractState::kGracePeriod, ContractState::kCreated);
}

Result<std::uint64_t> Apply(Write& write, DeleteOutOfFunds const& call) {
  TRELLIS_TRY(auto const contract, RequireState(write, call.contract, ContractState::kGracePeriod));
  TRELLIS_TRY(auto const dependents, Dependents(write, contract));
  for (auto const& dependent : dependents)
    TRELLIS_CHECK(DeleteContract(write, dependent, kOutOfFunds));
  TRELLIS_CHECK(DeleteContract(write, contract, kOutOfFunds));
  return 0;
}

}  // namespace trellis::ledger::rules
