// Contracts as their owners handle them: create, update, cancel.
#include "kernel/ledger/rules/refusal.hpp"
#include "kernel/ledger/rules/write.hpp"

#include <utility>

namespace trellis::ledger::rules {
namespace {

EventAbout About(Contract const& contract) {
  return {.node = contract.node_id, .contract = contract.contract_id, .twin = contract.twin_id};
}

/// Stores a new contract of the caller.
Result<std::uint64_t> Create(Write& write, Contract contract) {
  contract.twin_id = write.caller.twin;
  contract.created = write.now;
  TRELLIS_TRY(contract.contract_id, write.state.AddContract(contract));
  for (auto& ip : contract.public_ips_list)
    ip.contract_id = contract.contract_id;
  TRELLIS_CHECK(Emit(write, EventKind::kContractCreated, About(contract), json::Encode(contract)));
  return contract.contract_id;
}

Result<void> RequireFreeHash(Write& write, std::uint32_t node, std::string_view hash,
                             std::uint64_t own) {
  TRELLIS_TRY(auto const taken, write.state.FindContractByHash(node, hash));
  if (taken && *taken != own)
    return Refuse("ContractIsNotUnique", "contract {} has this hash on node {}", *taken, node);
  return {};
}

/// Power, farm, rent: may the caller deploy on this node?
Result<void> RequireAvailableNode(Write& write, Node const& node) {
  if (node.power.state != Power::kUp || node.power.target != Power::kUp)
    return Refuse("NodeNotAvailableToDeploy", "node {} is powered down", node.id);
  TRELLIS_TRY(auto const farm, write.state.ReadFarm(node.farm_id));
  TRELLIS_TRY(auto const rent, write.state.FindRentContract(node.id));
  if (!rent) {
    if (!farm.dedicated) return {};
    return Refuse("NodeNotAvailableToDeploy", "node {} is dedicated and must be rented first",
                  node.id);
  }
  TRELLIS_TRY(auto const contract, write.state.ReadContract(*rent));
  if (contract.twin_id == write.caller.twin) return {};
  return Refuse("NodeNotAvailableToDeploy", "node {} is rented by another twin", node.id);
}

/// The first free addresses of the farm in list order.
Result<std::vector<PublicIp>> ChooseIps(Write& write, std::uint32_t farm, std::uint32_t count) {
  std::vector<PublicIp> chosen;
  if (count == 0) return chosen;
  TRELLIS_TRY(auto ips, write.state.ListFarmIps(farm));
  if (ips.size() < count)
    return Refuse("FarmHasNotEnoughPublicIPs", "farm {} has {} addresses, {} asked", farm,
                  ips.size(), count);
  for (auto& ip : ips) {
    if (chosen.size() < count && ip.contract_id == 0) chosen.push_back(std::move(ip));
  }
  if (chosen.size() < count)
    return Refuse("FarmHasNotEnoughPublicIPsFree", "farm {} has {} free addresses, {} asked", farm,
                  chosen.size(), count);
  return chosen;
}

EventKind CancelledKind(ContractKind kind) {
  switch (kind) {
    case ContractKind::kName:
      return EventKind::kNameContractCanceled;
    case ContractKind::kRent:
      return EventKind::kRentContractCanceled;
    case ContractKind::kNode:
      break;
  }
  return EventKind::kNodeContractCanceled;
}

}  // namespace

Result<std::uint64_t> Apply(Write& write, CreateNodeContract const& call) {
  TRELLIS_CHECK(CheckHash(call.hash));
  TRELLIS_CHECK(CheckData(call.data));
  TRELLIS_CHECK(RequireTwin(write));
  TRELLIS_TRY(auto const node, write.state.ReadNode(call.node));
  TRELLIS_CHECK(RequireAvailableNode(write, node));
  TRELLIS_CHECK(RequireFreeHash(write, call.node, call.hash, 0));
  if (call.public_ips > kMaxContractIps)
    return Refuse("TooManyPublicIPs", "more than {} addresses asked", kMaxContractIps);
  Contract contract;
  contract.kind = ContractKind::kNode;
  contract.node_id = call.node;
  contract.hash = call.hash;
  contract.data = call.data;
  contract.public_ips = call.public_ips;
  contract.solution_provider = call.solution_provider;
  TRELLIS_TRY(contract.public_ips_list, ChooseIps(write, node.farm_id, call.public_ips));
  return Create(write, std::move(contract));
}

Result<std::uint64_t> Apply(Write& write, UpdateNodeContract const& call) {
  TRELLIS_CHECK(CheckHash(call.hash));
  TRELLIS_CHECK(CheckData(call.data));
  TRELLIS_TRY(auto contract, write.state.ReadContract(call.contract));
  if (contract.twin_id != write.caller.twin)
    return Refuse("TwinNotAuthorizedToUpdateContract", "contract {} belongs to another twin",
                  call.contract);
  if (contract.in_grace())
    return Refuse("CannotUpdateContractInGraceState", "contract {} is in its grace period",
                  call.contract);
  if (contract.kind != ContractKind::kNode)
    return Refuse("InvalidContractType", "contract {} is not a node contract", call.contract);
  TRELLIS_CHECK(RequireFreeHash(write, contract.node_id, call.hash, call.contract));
  contract.hash = call.hash;
  contract.data = call.data;
  TRELLIS_CHECK(write.state.ChangeContract(contract));
  TRELLIS_CHECK(Emit(write, EventKind::kContractUpdated, About(contract), json::Encode(contract)));
  return 0;
}

Result<void> DeleteContract(Write& write, Contract const& contract, std::uint64_t cause) {
  TRELLIS_CHECK(write.state.DeleteContract(contract, cause));
  if (!contract.public_ips_list.empty())
    TRELLIS_CHECK(
        Emit(write, EventKind::kIpsFreed, About(contract), json::Encode(contract.public_ips_list)));
  return Emit(write, CancelledKind(contract.kind), About(contract), nullptr);
}

Result<std::uint64_t> Apply(Write& write, CancelContract const& call) {
  TRELLIS_TRY(auto const contract, write.state.ReadContract(call.contract));
  if (contract.twin_id != write.caller.twin)
    return Refuse("TwinNotAuthorizedToCancelContract", "contract {} belongs to another twin",
                  call.contract);
  if (contract.kind == ContractKind::kRent) {
    TRELLIS_TRY(bool const in_use, write.state.HasNodeContracts(contract.node_id));
    if (in_use)
      return Refuse("NodeHasActiveContracts", "node {} still has contracts", contract.node_id);
  }
  TRELLIS_CHECK(DeleteContract(write, contract, 0));
  return 0;
}

Result<std::uint64_t> Apply(Write& write, CreateNameContract const& call) {
  TRELLIS_CHECK(RequireTwin(write));
  TRELLIS_CHECK(CheckContractName(call.name));
  TRELLIS_TRY(auto const taken, write.state.FindNameContract(call.name));
  if (taken) return Refuse("NameExists", "name '{}' is taken", call.name);
  Contract contract;
  contract.kind = ContractKind::kName;
  contract.name = call.name;
  return Create(write, std::move(contract));
}

Result<std::uint64_t> Apply(Write& write, CreateRentContract const& call) {
  TRELLIS_TRY(auto const rented, write.state.FindRentContract(call.node));
  if (rented)
    return Refuse("NodeHasRentContract", "node {} is rented by contract {}", call.node, *rented);
  TRELLIS_TRY(auto const node, write.state.ReadNode(call.node));
  TRELLIS_TRY(auto const farm, write.state.ReadFarm(node.farm_id));
  TRELLIS_TRY(bool const in_use, write.state.HasNodeContracts(call.node));
  if (in_use && !farm.dedicated)
    return Refuse("NodeNotAvailableToDeploy", "node {} has contracts", call.node);
  TRELLIS_CHECK(RequireTwin(write));
  Contract contract;
  contract.kind = ContractKind::kRent;
  contract.node_id = call.node;
  contract.solution_provider = call.solution_provider;
  return Create(write, std::move(contract));
}

}  // namespace trellis::ledger::rules
