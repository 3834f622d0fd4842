// Contracts as their owners handle them: create, update, cancel.
#include "kernel/ledger/embedded/refusal.hpp"
#include "kernel/ledger/embedded/tables.hpp"
#include "kernel/ledger/embedded/txn.hpp"
#include "kernel/store/query.hpp"

#include <algorithm>

namespace trellis::ledger::embedded {
namespace {

EventAbout About(Contract const& contract) {
  return {.node = contract.node_id, .contract = contract.contract_id, .twin = contract.twin_id};
}

Result<void> EmitContract(Txn& txn, EventKind kind, std::uint64_t id) {
  TRELLIS_TRY(auto const contract, ReadContract(txn.db, id));
  return Emit(txn, kind, About(contract), json::Encode(contract));
}

Result<void> RequireFreeHash(Txn& txn, std::uint32_t node, std::string_view hash,
                             std::uint64_t own) {
  TRELLIS_TRY(auto const taken, FindContractByHash(txn.db, node, hash));
  if (taken && *taken != own)
    return Refuse("ContractIsNotUnique", "contract {} has this hash on node {}", *taken, node);
  return {};
}

/// Power, farm, rent: may the caller deploy on this node?
Result<void> RequireAvailableNode(Txn& txn, Node const& node) {
  if (node.power.state != Power::kUp || node.power.target != Power::kUp)
    return Refuse("NodeNotAvailableToDeploy", "node {} is powered down", node.id);
  TRELLIS_TRY(auto const farm, ReadFarm(txn.db, node.farm_id));
  TRELLIS_TRY(auto const rent, FindRentContract(txn.db, node.id));
  if (!rent) {
    if (!farm.dedicated) return {};
    return Refuse("NodeNotAvailableToDeploy", "node {} is dedicated and must be rented first",
                  node.id);
  }
  TRELLIS_TRY(auto const contract, ReadContract(txn.db, *rent));
  if (contract.twin_id == txn.caller.twin) return {};
  return Refuse("NodeNotAvailableToDeploy", "node {} is rented by another twin", node.id);
}

/// The first free addresses of the farm in list order.
Result<std::vector<PublicIp>> ChooseIps(Txn& txn, std::uint32_t farm_id, std::uint32_t count) {
  TRELLIS_TRY(auto farm, ReadFarm(txn.db, farm_id));
  if (farm.public_ips.size() < count)
    return Refuse("FarmHasNotEnoughPublicIPs", "farm {} has {} addresses, {} asked", farm_id,
                  farm.public_ips.size(), count);
  std::vector<PublicIp> chosen;
  for (auto& ip : farm.public_ips) {
    if (chosen.size() < count && ip.contract_id == 0) chosen.push_back(std::move(ip));
  }
  if (chosen.size() < count)
    return Refuse("FarmHasNotEnoughPublicIPsFree", "farm {} has {} free addresses, {} asked",
                  farm_id, chosen.size(), count);
  return chosen;
}

Result<void> ReserveIps(Txn& txn, std::uint64_t contract, std::vector<PublicIp> const& ips) {
  std::int64_t pos = 0;
  for (auto const& ip : ips) {
    TRELLIS_CHECK(
        store::Run(txn.db, "UPDATE farm_ip SET contract = ?2 WHERE ip = ?1", ip.ip, contract));
    TRELLIS_CHECK(store::Run(txn.db, "INSERT INTO contract_ip VALUES (?1, ?2, ?3, ?4)", contract,
                             ip.ip, ip.gateway, pos++));
  }
  return {};
}

/// Removes contracts and events that history no longer keeps; both are found by index, oldest
/// first.
Result<void> Prune(Txn& txn) {
  std::int64_t const oldest = txn.now - txn.keep_seconds;
  TRELLIS_CHECK(
      store::Run(txn.db,
                 "DELETE FROM contract WHERE id IN (SELECT id FROM contract WHERE state = 1 AND "
                 "changed < ?1 ORDER BY changed LIMIT 100)",
                 oldest));
  return store::Run(txn.db,
                    "DELETE FROM event WHERE at < ?1 AND seq IN (SELECT seq FROM event ORDER BY "
                    "seq LIMIT 100)",
                    oldest);
}

}  // namespace

Result<std::uint64_t> Apply(Txn& txn, CreateNodeContract const& call) {
  TRELLIS_CHECK(CheckHash(call.hash));
  TRELLIS_CHECK(CheckData(call.data));
  TRELLIS_CHECK(RequireTwin(txn));
  TRELLIS_TRY(auto const node, ReadNode(txn.db, call.node));
  TRELLIS_CHECK(RequireAvailableNode(txn, node));
  TRELLIS_CHECK(RequireFreeHash(txn, call.node, call.hash, 0));
  if (call.public_ips > kMaxContractIps)
    return Refuse("TooManyPublicIPs", "more than {} addresses asked", kMaxContractIps);
  TRELLIS_TRY(auto const ips, ChooseIps(txn, node.farm_id, call.public_ips));
  TRELLIS_CHECK(store::Run(
      txn.db,
      "INSERT INTO contract (twin, kind, node, hash, data, ips, provider, created, changed) "
      "VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
      txn.caller.twin, call.node, call.hash, call.data, call.public_ips, call.solution_provider,
      txn.now));
  auto const id = static_cast<std::uint64_t>(txn.db.LastInsertId());
  TRELLIS_CHECK(ReserveIps(txn, id, ips));
  TRELLIS_CHECK(EmitContract(txn, EventKind::kContractCreated, id));
  return id;
}

Result<std::uint64_t> Apply(Txn& txn, UpdateNodeContract const& call) {
  TRELLIS_CHECK(CheckHash(call.hash));
  TRELLIS_CHECK(CheckData(call.data));
  TRELLIS_TRY(auto const contract, ReadContract(txn.db, call.contract));
  if (contract.twin_id != txn.caller.twin)
    return Refuse("TwinNotAuthorizedToUpdateContract", "contract {} belongs to another twin",
                  call.contract);
  if (contract.in_grace())
    return Refuse("CannotUpdateContractInGraceState", "contract {} is in its grace period",
                  call.contract);
  if (contract.kind != ContractKind::kNode)
    return Refuse("InvalidContractType", "contract {} is not a node contract", call.contract);
  TRELLIS_CHECK(RequireFreeHash(txn, contract.node_id, call.hash, call.contract));
  TRELLIS_CHECK(store::Run(txn.db,
                           "UPDATE contract SET hash = ?2, data = ?3, changed = ?4 WHERE id = ?1",
                           call.contract, call.hash, call.data, txn.now));
  TRELLIS_CHECK(EmitContract(txn, EventKind::kContractUpdated, call.contract));
  return 0;
}

Result<void> DeleteContract(Txn& txn, Contract const& contract, std::uint64_t cause) {
  if (!contract.public_ips_list.empty()) {
    for (auto const& ip : contract.public_ips_list)
      TRELLIS_CHECK(store::Run(txn.db, "UPDATE farm_ip SET contract = 0 WHERE ip = ?1", ip.ip));
    TRELLIS_CHECK(
        Emit(txn, EventKind::kIpsFreed, About(contract), json::Encode(contract.public_ips_list)));
  }
  TRELLIS_CHECK(store::Run(
      txn.db, "UPDATE contract SET state = 1, state_arg = ?2, changed = ?3 WHERE id = ?1",
      contract.contract_id, cause, txn.now));
  auto const kind = [&] {
    switch (contract.kind.value) {
      case ContractKind::kName:
        return EventKind::kNameContractCanceled;
      case ContractKind::kRent:
        return EventKind::kRentContractCanceled;
      case ContractKind::kNode:
        break;
    }
    return EventKind::kNodeContractCanceled;
  }();
  TRELLIS_CHECK(Emit(txn, kind, About(contract), nullptr));
  return Prune(txn);
}

Result<std::uint64_t> Apply(Txn& txn, CancelContract const& call) {
  TRELLIS_TRY(auto const contract, ReadContract(txn.db, call.contract));
  if (contract.twin_id != txn.caller.twin)
    return Refuse("TwinNotAuthorizedToCancelContract", "contract {} belongs to another twin",
                  call.contract);
  if (contract.kind == ContractKind::kRent) {
    TRELLIS_TRY(bool const in_use, HasNodeContracts(txn.db, contract.node_id));
    if (in_use)
      return Refuse("NodeHasActiveContracts", "node {} still has contracts", contract.node_id);
  }
  TRELLIS_CHECK(DeleteContract(txn, contract, 0));
  return 0;
}

Result<std::uint64_t> Apply(Txn& txn, CreateNameContract const& call) {
  TRELLIS_CHECK(RequireTwin(txn));
  TRELLIS_CHECK(CheckContractName(call.name));
  TRELLIS_TRY(auto const taken, FindNameContract(txn.db, call.name));
  if (taken) return Refuse("NameExists", "name '{}' is taken", call.name);
  TRELLIS_CHECK(store::Run(
      txn.db,
      "INSERT INTO contract (twin, kind, name, created, changed) VALUES (?1, 1, ?2, ?3, ?3)",
      txn.caller.twin, call.name, txn.now));
  auto const id = static_cast<std::uint64_t>(txn.db.LastInsertId());
  TRELLIS_CHECK(EmitContract(txn, EventKind::kContractCreated, id));
  return id;
}

Result<std::uint64_t> Apply(Txn& txn, CreateRentContract const& call) {
  TRELLIS_TRY(auto const rented, FindRentContract(txn.db, call.node));
  if (rented)
    return Refuse("NodeHasRentContract", "node {} is rented by contract {}", call.node, *rented);
  TRELLIS_TRY(auto const node, ReadNode(txn.db, call.node));
  TRELLIS_TRY(auto const farm, ReadFarm(txn.db, node.farm_id));
  TRELLIS_TRY(bool const in_use, HasNodeContracts(txn.db, call.node));
  if (in_use && !farm.dedicated)
    return Refuse("NodeNotAvailableToDeploy", "node {} has contracts", call.node);
  TRELLIS_CHECK(RequireTwin(txn));
  TRELLIS_CHECK(store::Run(txn.db,
                           "INSERT INTO contract (twin, kind, node, provider, created, changed) "
                           "VALUES (?1, 2, ?2, ?3, ?4, ?4)",
                           txn.caller.twin, call.node, call.solution_provider, txn.now));
  auto const id = static_cast<std::uint64_t>(txn.db.LastInsertId());
  TRELLIS_CHECK(EmitContract(txn, EventKind::kContractCreated, id));
  return id;
}

}  // namespace trellis::ledger::embedded
