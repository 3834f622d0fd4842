// One write in progress.
#pragma once

#include "kernel/crypto/bytes.hpp"
#include "kernel/ledger/calls.hpp"
#include "kernel/ledger/rules/forms.hpp"
#include "kernel/ledger/rules/write.hpp"
#include "kernel/store/database.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace trellis::ledger::embedded {

/// Valid inside one writer transaction.
struct Txn {
  store::Database& db;
  Caller const& caller;
  std::uint64_t height = 0;  ///< of this write
  std::int64_t now = 0;
  std::int64_t keep_seconds = 0;  ///< how long history stays
  rules::PrivateRanges private_ranges = rules::PrivateRanges::kAllowed;
  // What the write's block shall say of the extrinsic that asked for it (blocks.hpp); empty: none.
  crypto::Bytes extrinsic{};
  std::string outcome{};
};

/// Applies one call (with its request id) inside the write. The id that it makes, else 0.
Result<std::uint64_t> Apply(Txn& txn, Call const& call);
/// Applies all or fails: the caller undoes the write then.
Result<rules::Ids> Apply(Txn& txn, std::vector<Call> const& calls);
/// Appends an event to what the calls have written.
Result<void> Emit(Txn& txn, EventKind kind, rules::EventAbout about, json::Value body);

}  // namespace trellis::ledger::embedded
