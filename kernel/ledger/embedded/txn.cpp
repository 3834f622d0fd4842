#include "kernel/ledger/embedded/txn.hpp"

#include "kernel/ledger/embedded/refusal.hpp"
#include "kernel/ledger/embedded/tables.hpp"
#include "kernel/store/query.hpp"

namespace trellis::ledger::embedded {

Result<void> Emit(Txn& txn, EventKind kind, EventAbout about, json::Value const& body) {
  return store::Run(txn.db,
                    "INSERT INTO event (height, at, kind, node, contract, twin, body) "
                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    txn.height, txn.now, EventKindText(kind).ToString(), about.node, about.contract,
                    about.twin, boost::json::serialize(body));
}

Result<void> RequireTwin(Txn& txn) {
  TRELLIS_CHECK(ReadTwin(txn.db, txn.caller.twin));
  return {};
}

Result<void> RequireAdmin(Txn const& txn) {
  if (txn.caller.admin) return {};
  return Refuse("AdminOnly", "twin {} is not an admin", txn.caller.twin);
}

Result<void> RequireFarmer(Txn& txn, std::uint32_t farm) {
  TRELLIS_TRY(auto const found, ReadFarm(txn.db, farm));
  if (txn.caller.admin || found.twin_id == txn.caller.twin) return {};
  return Refuse("CannotUpdateFarmWrongTwin", "farm {} belongs to another twin", farm);
}

}  // namespace trellis::ledger::embedded
