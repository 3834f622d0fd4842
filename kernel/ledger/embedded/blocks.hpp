// The writes as blocks of a chain, for clients that speak the chain's protocol: headers that
// link, the extrinsic that asked for the write, and the nonces of accounts.
#pragma once

#include "kernel/ledger/embedded/txn.hpp"
#include "kernel/ledger/substrate/header.hpp"
#include "kernel/store/database.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <string>

namespace trellis::ledger::embedded {

struct Block {
  substrate::Header header{};
  substrate::Hash hash{};
  std::int64_t at = 0;          ///< unix seconds
  crypto::Bytes extrinsic{};    ///< as its signer sent it; empty: the write came another way
  std::string outcome{};        ///< what its sender wrote with it; "" = success
  std::uint64_t first_seq = 0;  ///< its events are those after this one ..
  std::uint64_t last_seq = 0;   ///< .. up to this one
};

/// Block 0 of a ledger.
substrate::Header GenesisHeader(Account const& root);
/// Ends a write: its block follows the one before. `first_seq`: the last event before the write.
/// Forgets blocks that history no longer keeps. The last event of the block.
Result<std::uint64_t> AppendBlock(Txn& txn, std::uint64_t first_seq);
/// kNotFound: not yet, or not kept any more.
Result<Block> ReadBlock(store::Database& db, std::uint64_t height);
Result<std::uint64_t> FindBlock(store::Database& db, substrate::Hash const& hash);

/// The nonce that the account's next extrinsic must have.
Result<std::uint32_t> ReadNonce(store::Database& db, Account const& account);
Result<void> WriteNonce(Txn& txn, Account const& account, std::uint32_t next);

}  // namespace trellis::ledger::embedded
