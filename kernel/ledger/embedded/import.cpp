#include "kernel/ledger/embedded/import.hpp"

#include "kernel/ledger/embedded/tables.hpp"
#include "kernel/ledger/embedded/txn.hpp"
#include "kernel/ledger/rules/refusal.hpp"
#include "kernel/store/query.hpp"

#include <trellis/net.hpp>

namespace trellis::ledger::embedded {
namespace {

using rules::Refuse;

Result<std::string> Plain(std::string const& text) {
  if (!text.starts_with("0x")) return text;
  TRELLIS_TRY(auto const decoded, HexBytes::Parse(std::string_view(text).substr(2)));
  return std::string(decoded.bytes.begin(), decoded.bytes.end());
}

/// True when the twin is new.
Result<bool> AddTwin(Txn& txn, ImportTwin const& twin) {
  if (twin.id == 0) return Refuse("TwinNotValid", "twin without id");
  TRELLIS_TRY(auto const known, FindTwinByAccount(txn.db, twin.account));
  if (known == twin.id) return false;
  if (known) return Refuse("TwinWithPubkeyExists", "the account has twin {}", *known);
  TRELLIS_CHECK(rules::CheckRelay(twin.relay));
  TRELLIS_CHECK(rules::CheckPeerKey(twin.pk));
  TRELLIS_TRY(bool const taken, store::Exists(txn.db, "SELECT 1 FROM twin WHERE id = ?1", twin.id));
  if (taken) return Refuse("TwinWithPubkeyExists", "twin {} has another account", twin.id);
  std::optional<std::string> pk;
  if (twin.pk) pk = twin.pk->ToString();
  TRELLIS_CHECK(store::Run(
      txn.db, "INSERT INTO twin (id, account, relay, pk, created) VALUES (?1, ?2, ?3, ?4, ?5)",
      twin.id, twin.account.ToString(), twin.relay, pk, txn.now));
  TRELLIS_TRY(auto const stored, ReadTwin(txn.db, twin.id));
  TRELLIS_CHECK(Emit(txn, EventKind::kTwinStored, {.node = 0, .contract = 0, .twin = twin.id},
                     json::Encode(stored)));
  return true;
}

Result<void> AddContract(Txn& txn, ImportContract const& contract) {
  CreateNodeContract call;
  call.node = contract.node;
  TRELLIS_TRY(call.hash, Plain(contract.hash));
  TRELLIS_TRY(call.data, Plain(contract.data));
  Caller const owner{.twin = contract.twin, .admin = false, .request_id = ""};
  Txn own{.db = txn.db,
          .caller = owner,
          .height = txn.height,
          .now = txn.now,
          .keep_seconds = txn.keep_seconds,
          .private_ranges = txn.private_ranges};
  TRELLIS_CHECK(Apply(own, Call(call)));
  return {};
}

}  // namespace

Result<ImportCounts> Apply(Txn& txn, ImportData const& data) {
  ImportCounts counts;
  for (auto const& twin : data.twins) {
    auto const added = AddTwin(txn, twin);
    if (!added) return tl::unexpected<Error>(Error(added.error()).With("twin {}", twin.id));
    counts.twins += *added ? 1U : 0U;
  }
  for (auto const& contract : data.contracts) {
    auto const added = AddContract(txn, contract);
    if (!added)
      return tl::unexpected<Error>(
          Error(added.error()).With("contract {} of the list", counts.contracts));
    ++counts.contracts;
  }
  return counts;
}

}  // namespace trellis::ledger::embedded
