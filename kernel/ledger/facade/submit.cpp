// Extrinsics: who signed what on which terms, and what the ledger makes of it.
#include "kernel/ledger/embedded/tables.hpp"
#include "kernel/ledger/facade/chain.hpp"

#include <algorithm>

namespace trellis::ledger::facade {
namespace {

using embedded::Txn;
using substrate::Extrinsic;

tl::unexpected<Error> Invalid(std::string_view why) {
  return Fail(Code::kInvalid, "{}", why);
}

/// Did the ledger refuse, or could it not work at all?
bool IsRefusal(Error const& error) {
  switch (error.code) {
    case Code::kInvalid:
    case Code::kDecode:
    case Code::kNotFound:
    case Code::kDenied:
    case Code::kConflict:
    case Code::kUnsupported:
    case Code::kExists:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<void> Chain::CheckSignature(Extrinsic const& extrinsic) {
  substrate::ChainTerms terms{.spec_version = runtime_->spec_version,
                              .tx_version = kTxVersion,
                              .genesis = genesis_,
                              .birth = genesis_};
  auto const& era = extrinsic.terms.era;
  if (!era.immortal()) {
    TRELLIS_TRY(auto const height, Height());
    auto const birth = BlockAt(era.Birth(height));
    if (!birth) return Invalid("Transaction has an ancient birth block");
    terms.birth = birth->hash;
  }
  auto const payload = substrate::SignedPayload(extrinsic.call, extrinsic.terms, terms);
  // Wrong versions, another genesis and a past era all show here: they are part of the payload.
  if (!crypto::Verify(extrinsic.key_type, extrinsic.signer.bytes, payload, extrinsic.signature))
    return Invalid("Transaction has a bad signature");
  return {};
}

/// Runs `work` so that a refusal undoes it alone; the refusal's name, "" when there was none.
Result<std::string> Chain::Attempt(Txn& txn, std::function<Result<void>()> const& work) {
  TRELLIS_CHECK(txn.db.Exec("SAVEPOINT attempt"));
  auto const done = work();
  txn.db.EndReads();
  if (!done) TRELLIS_CHECK(txn.db.Exec("ROLLBACK TO attempt"));
  TRELLIS_CHECK(txn.db.Exec("RELEASE attempt"));
  if (done) return std::string();
  auto name = NameOfRefusal(*runtime_, done.error());
  if (name.empty() && !IsRefusal(done.error())) return tl::unexpected<Error>(done.error());
  return name.empty() ? "Other" : name;
}

Result<Outcome> Chain::Run(Txn& txn, Dispatch const& dispatch) {
  Outcome outcome;
  if (dispatch.batch == Batch::kStopAtFailure) {
    for (std::size_t i = 0; i < dispatch.actions.size(); ++i) {
      auto const& action = dispatch.actions[i];
      TRELLIS_TRY(outcome.error, Attempt(txn, [&] { return action.apply(txn); }));
      if (!outcome.error.empty()) {
        outcome.pallet = action.pallet;
        outcome.interrupted_at = static_cast<std::uint32_t>(i);
        return outcome;
      }
      TRELLIS_CHECK(embedded::Emit(txn, EventKind::kItemCompleted, {}, nullptr));
    }
    TRELLIS_CHECK(embedded::Emit(txn, EventKind::kBatchCompleted, {}, nullptr));
    return outcome;
  }
  bool const batch = dispatch.batch == Batch::kAllOrNothing;
  TRELLIS_TRY(outcome.error, Attempt(txn, [&]() -> Result<void> {
                for (auto const& action : dispatch.actions) {
                  outcome.pallet = action.pallet;
                  TRELLIS_CHECK(action.apply(txn));
                  if (!batch) continue;
                  TRELLIS_CHECK(embedded::Emit(txn, EventKind::kItemCompleted, {}, nullptr));
                }
                if (!batch) return {};
                return embedded::Emit(txn, EventKind::kBatchCompleted, {}, nullptr);
              }));
  return outcome;
}

Result<void> Chain::Apply(Txn& txn, Extrinsic const& extrinsic, Dispatch const& dispatch) {
  TRELLIS_TRY(auto const nonce, embedded::ReadNonce(txn.db, extrinsic.signer));
  if (extrinsic.terms.nonce < nonce) return Invalid("Transaction is outdated");
  if (extrinsic.terms.nonce > nonce) return Invalid("Transaction will be valid in the future");
  TRELLIS_TRY(auto const twin, embedded::FindTwinByAccount(txn.db, extrinsic.signer));
  Caller caller;
  caller.twin = twin.value_or(0);
  caller.admin = twin && std::ranges::find(admin_twins_, *twin) != admin_twins_.end();
  Txn own{.db = txn.db,
          .caller = caller,
          .height = txn.height,
          .now = txn.now,
          .keep_seconds = txn.keep_seconds,
          .private_ranges = txn.private_ranges};
  TRELLIS_TRY(auto const outcome, Run(own, dispatch));
  // Strangers leave no trace unless they become twins.
  if (!outcome.error.empty() && !twin)
    return Fail(Code::kDenied, "{}: the account has no twin", outcome.error);
  if (!outcome.error.empty()) txn.outcome = json::Dump(outcome);
  return embedded::WriteNonce(txn, extrinsic.signer, nonce + 1);
}

Result<Included> Chain::Submit(crypto::BytesView bytes) {
  TRELLIS_TRY(auto const extrinsic, substrate::DecodeExtrinsic(bytes));
  TRELLIS_TRY(auto const call, runtime_->codec.Decode(runtime_->call, extrinsic.call));
  TRELLIS_TRY(auto const dispatch, ReadCall(call, extrinsic.signer));
  TRELLIS_CHECK(CheckSignature(extrinsic));
  Included included;
  TRELLIS_CHECK(ledger_.Transact({}, [&](Txn& txn) -> Result<void> {
    included.height = txn.height;
    TRELLIS_CHECK(Apply(txn, extrinsic, dispatch));
    txn.extrinsic.assign(bytes.begin(), bytes.end());
    return {};
  }));
  TRELLIS_TRY(auto const block, BlockAt(included.height));
  included.block = block.hash;
  return included;
}

}  // namespace trellis::ledger::facade
