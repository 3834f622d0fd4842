#include "kernel/ledger/embedded/block_maker.hpp"

#include "kernel/ledger/embedded/blocks.hpp"
#include "kernel/ledger/embedded/tables.hpp"
#include "kernel/store/query.hpp"

#include <utility>

namespace trellis::ledger::embedded {
namespace {
Caller const kNobody{};
}

Result<void> BlockMaker::Begin(store::Database& db) {
  now_ = clock_->UnixSeconds();
  TRELLIS_TRY(auto const height, ReadHeight(db));
  TRELLIS_TRY(auto const last_seq, ReadLastSeq(db));
  open_ = {height + 1, last_seq, false};
  return {};
}

Txn BlockMaker::TxnOf(store::Database& db, Caller const& caller) const {
  return {.db = db,
          .caller = caller,
          .height = open_.height,
          .now = now_,
          .keep_seconds = keep_seconds_,
          .private_ranges = private_ranges_};
}

Result<void> BlockMaker::Close(Txn& txn) {
  TRELLIS_TRY(auto const last_seq, AppendBlock(txn, open_.first_seq));
  TRELLIS_CHECK(
      store::Run(txn.db, "UPDATE meta SET value = ?1 WHERE key = 'height'", open_.height));
  open_ = {open_.height + 1, last_seq, false};
  return {};
}

Result<void> BlockMaker::CloseShared(store::Database& db) {
  if (!open_.used) return {};
  auto txn = TxnOf(db, kNobody);
  return Close(txn);
}

Result<void> BlockMaker::Write(store::Database& db, Caller const& caller,
                               std::function<Result<void>(Txn&)> const& work) {
  auto txn = TxnOf(db, caller);
  TRELLIS_CHECK(work(txn));
  open_.used = true;
  return {};
}

Result<void> BlockMaker::TryOwn(store::Database& db, Caller const& caller,
                                std::function<Result<void>(Txn&)> const& work) {
  TRELLIS_CHECK(CloseShared(db));
  auto txn = TxnOf(db, caller);
  TRELLIS_CHECK(work(txn));
  return Close(txn);
}

Result<void> BlockMaker::WriteOwn(store::Database& db, Caller const& caller,
                                  std::function<Result<void>(Txn&)> const& work) {
  auto const before = open_;
  auto done = TryOwn(db, caller, work);
  if (!done) open_ = before;  // what it wrote is undone, the end of the block before too
  return done;
}

Result<void> BlockMaker::End(store::Database& db) {
  return CloseShared(db);
}

}  // namespace trellis::ledger::embedded
