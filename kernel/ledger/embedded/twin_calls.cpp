// Twins: create, update, verify.
#include "kernel/ledger/embedded/refusal.hpp"
#include "kernel/ledger/embedded/tables.hpp"
#include "kernel/ledger/embedded/txn.hpp"
#include "kernel/store/query.hpp"

namespace trellis::ledger::embedded {
namespace {

std::optional<std::string> TextOf(std::optional<PeerKey> const& pk) {
  if (!pk) return std::nullopt;
  return pk->ToString();
}

Result<void> EmitTwin(Txn& txn, EventKind kind, std::uint32_t id) {
  TRELLIS_TRY(auto const twin, ReadTwin(txn.db, id));
  return Emit(txn, kind, {.node = 0, .contract = 0, .twin = id}, json::Encode(twin));
}

}  // namespace

Result<std::uint64_t> Apply(Txn& txn, CreateTwin const& call) {
  TRELLIS_TRY(auto const known, FindTwinByAccount(txn.db, call.account));
  if (known) return Refuse("TwinWithPubkeyExists", "the account has twin {}", *known);
  TRELLIS_CHECK(CheckRelay(call.relay));
  TRELLIS_CHECK(CheckPeerKey(call.pk));
  TRELLIS_CHECK(store::Run(txn.db,
                           "INSERT INTO twin (account, relay, pk, created) VALUES (?1, ?2, ?3, ?4)",
                           call.account.ToString(), call.relay, TextOf(call.pk), txn.now));
  auto const id = static_cast<std::uint32_t>(txn.db.LastInsertId());
  TRELLIS_CHECK(EmitTwin(txn, EventKind::kTwinStored, id));
  return id;
}

Result<std::uint64_t> Apply(Txn& txn, UpdateTwin const& call) {
  TRELLIS_CHECK(RequireTwin(txn));
  TRELLIS_CHECK(CheckRelay(call.relay));
  TRELLIS_CHECK(CheckPeerKey(call.pk));
  TRELLIS_CHECK(store::Run(txn.db, "UPDATE twin SET relay = ?2, pk = ?3 WHERE id = ?1",
                           txn.caller.twin, call.relay, TextOf(call.pk)));
  TRELLIS_CHECK(EmitTwin(txn, EventKind::kTwinUpdated, txn.caller.twin));
  return 0;
}

Result<std::uint64_t> Apply(Txn& txn, SetVerified const& call) {
  TRELLIS_CHECK(RequireAdmin(txn));
  TRELLIS_CHECK(ReadTwin(txn.db, call.twin));
  TRELLIS_CHECK(
      store::Run(txn.db, "UPDATE twin SET verified = ?2 WHERE id = ?1", call.twin, call.verified));
  TRELLIS_CHECK(EmitTwin(txn, EventKind::kTwinUpdated, call.twin));
  return 0;
}

}  // namespace trellis::ledger::embedded
