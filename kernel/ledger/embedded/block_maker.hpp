// Which block the writes of a transaction belong to.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/ledger/embedded/txn.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <functional>

namespace trellis::ledger::embedded {

/// On the writer's thread only.
class BlockMaker {
 public:
  /// `clock` is borrowed.
  BlockMaker(Clock const& clock, std::int64_t keep_seconds, rules::PrivateRanges private_ranges)
      : clock_(&clock), keep_seconds_(keep_seconds), private_ranges_(private_ranges) {}

  /// A transaction begins. Everything is read in it: another process may have written meanwhile.
  Result<void> Begin(store::Database& db);
  /// A write of a block that it may share with those before and after it.
  Result<void> Write(store::Database& db, Caller const& caller,
                     std::function<Result<void>(Txn&)> const& work);
  /// A write that is a block. After an error nothing of it may be left in `db`.
  Result<void> WriteOwn(store::Database& db, Caller const& caller,
                        std::function<Result<void>(Txn&)> const& work);
  /// The transaction ends.
  Result<void> End(store::Database& db);

 private:
  struct Open {
    std::uint64_t height = 0;
    std::uint64_t first_seq = 0;
    bool used = false;
  };
  Txn TxnOf(store::Database& db, Caller const& caller) const;
  Result<void> Close(Txn& txn);
  Result<void> CloseShared(store::Database& db);
  Result<void> TryOwn(store::Database& db, Caller const& caller,
                      std::function<Result<void>(Txn&)> const& work);

  Clock const* clock_;
  std::int64_t keep_seconds_;
  rules::PrivateRanges private_ranges_;
  std::int64_t now_ = 0;
  Open open_;
};

}  // namespace trellis::ledger::embedded
