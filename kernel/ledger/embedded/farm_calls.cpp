// What farmers decide: addresses, public configuration, power.
#include "kernel/ledger/embedded/refusal.hpp"
#include "kernel/ledger/embedded/tables.hpp"
#include "kernel/ledger/embedded/txn.hpp"
#include "kernel/store/query.hpp"

#include <trellis/net.hpp>

namespace trellis::ledger::embedded {
namespace {

Result<void> EmitFarm(Txn& txn, EventKind kind, std::uint32_t id) {
  TRELLIS_TRY(auto const farm, ReadFarm(txn.db, id));
  return Emit(txn, kind, {.node = 0, .contract = 0, .twin = farm.twin_id}, json::Encode(farm));
}

}  // namespace

Result<std::uint64_t> Apply(Txn& txn, CreateFarm const& call) {
  TRELLIS_CHECK(RequireAdmin(txn));
  std::uint32_t const owner = call.twin != 0 ? call.twin : txn.caller.twin;
  TRELLIS_CHECK(ReadTwin(txn.db, owner));
  TRELLIS_CHECK(CheckFarmName(call.name));
  TRELLIS_TRY(bool const taken,
              store::Exists(txn.db, "SELECT 1 FROM farm WHERE name = ?1", call.name));
  if (taken) return Refuse("FarmExists", "farm name '{}' is taken", call.name);
  TRELLIS_CHECK(store::Run(txn.db, "INSERT INTO farm (name, twin, dedicated) VALUES (?1, ?2, ?3)",
                           call.name, owner, call.dedicated));
  auto const id = static_cast<std::uint32_t>(txn.db.LastInsertId());
  TRELLIS_CHECK(EmitFarm(txn, EventKind::kFarmStored, id));
  return id;
}

Result<std::uint64_t> Apply(Txn& txn, AddFarmIp const& call) {
  TRELLIS_CHECK(RequireFarmer(txn, call.farm));
  TRELLIS_TRY(auto const address,
              CheckAddress({.ip = call.ip, .gw = call.gateway}, txn.private_ranges));
  TRELLIS_TRY(bool const taken,
              store::Exists(txn.db, "SELECT 1 FROM farm_ip WHERE ip = ?1", address.ip));
  if (taken) return Refuse("IpExists", "address '{}' belongs to a farm", address.ip);
  TRELLIS_TRY(auto const farm, ReadFarm(txn.db, call.farm));
  if (farm.public_ips.size() >= kMaxFarmIps)
    return Refuse("FarmHasTooManyPublicIPs", "farm {} has {} addresses", call.farm, kMaxFarmIps);
  TRELLIS_CHECK(store::Run(txn.db,
                           "INSERT INTO farm_ip (farm, ip, gateway, pos) VALUES (?1, ?2, ?3, "
                           "(SELECT coalesce(max(pos), -1) + 1 FROM farm_ip WHERE farm = ?1))",
                           call.farm, address.ip, address.gw));
  TRELLIS_CHECK(EmitFarm(txn, EventKind::kFarmUpdated, call.farm));
  return 0;
}

Result<std::uint64_t> Apply(Txn& txn, RemoveFarmIp const& call) {
  TRELLIS_CHECK(RequireFarmer(txn, call.farm));
  auto const parsed = IpNet::Parse(call.ip);
  auto const canonical = parsed ? parsed->ToString() : call.ip;
  TRELLIS_CHECK(store::Run(txn.db,
                           "DELETE FROM farm_ip WHERE farm = ?1 AND ip = ?2 AND contract = 0",
                           call.farm, canonical));
  if (txn.db.Changes() == 0)
    return Refuse("IpNotExists", "farm {} has no free address '{}'", call.farm, call.ip);
  TRELLIS_CHECK(EmitFarm(txn, EventKind::kFarmUpdated, call.farm));
  return 0;
}

Result<std::uint64_t> Apply(Txn& txn, SetPublicConfig const& call) {
  TRELLIS_TRY(auto const node, ReadNode(txn.db, call.node));
  TRELLIS_CHECK(RequireFarmer(txn, node.farm_id));
  std::optional<PublicConfig> config;
  std::optional<std::string> text;
  if (call.config) {
    TRELLIS_TRY(config, CheckPublicConfig(*call.config, txn.private_ranges));
    text = json::Dump(*config);
  }
  TRELLIS_CHECK(
      store::Run(txn.db, "UPDATE node SET public_config = ?2 WHERE id = ?1", call.node, text));
  TRELLIS_CHECK(Emit(txn, EventKind::kNodePublicConfigStored,
                     {.node = call.node, .contract = 0, .twin = node.twin_id},
                     json::Encode(config)));
  return 0;
}

Result<std::uint64_t> Apply(Txn& txn, SetPowerTarget const& call) {
  TRELLIS_TRY(auto const node, ReadNode(txn.db, call.node));
  TRELLIS_CHECK(RequireFarmer(txn, node.farm_id));
  TRELLIS_CHECK(store::Run(txn.db, "UPDATE node SET power_target = ?2 WHERE id = ?1", call.node,
                           call.target.value));
  TRELLIS_CHECK(Emit(txn, EventKind::kPowerTargetChanged,
                     {.node = call.node, .contract = 0, .twin = node.twin_id},
                     json::Encode(call.target)));
  return 0;
}

}  // namespace trellis::ledger::embedded
