#include "kernel/ledger/embedded/blocks.hpp"

#include "kernel/ledger/embedded/tables.hpp"
#include "kernel/store/query.hpp"

#include <algorithm>
#include <utility>

namespace trellis::ledger::embedded {
namespace {

using store::Statement;
using substrate::Hash;

// Block 0 was made at no time; in a ledger from before blocks it stands at a greater height.
constexpr std::int64_t kGenesisTime = 0;

/// A blob of another length than a hash's is a damaged file; it reads as zeros.
Hash HashAt(Statement const& row, int column) {
  Hash hash{};
  auto const bytes = row.Text(column);
  if (bytes.size() == hash.size()) std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

/// Commits to when the block was made and what asked for it.
Hash ContentHash(std::int64_t at, crypto::BytesView extrinsic) {
  return crypto::Blake2b256(
      substrate::Encoder().U64(static_cast<std::uint64_t>(at)).Raw(extrinsic).bytes());
}

Block BlockOf(Statement const& row) {
  Block block;
  block.header.number = row.Uint(0);
  block.at = row.Int(1);
  block.hash = HashAt(row, 2);
  block.header.parent = HashAt(row, 3);
  auto const extrinsic = row.Text(4);
  block.extrinsic.assign(extrinsic.begin(), extrinsic.end());
  block.outcome = row.Text(5);
  block.first_seq = row.Uint(6);
  block.last_seq = row.Uint(7);
  block.header.extrinsics_root = ContentHash(block.at, block.extrinsic);
  return block;
}

}  // namespace

substrate::Header GenesisHeader(Account const& root) {
  substrate::Header header;
  header.state_root = root.bytes;
  return header;
}

Result<std::uint64_t> AppendBlock(Txn& txn, std::uint64_t first_seq) {
  TRELLIS_TRY(auto const last_seq, ReadLastSeq(txn.db));
  TRELLIS_TRY(auto const parent,
              store::One(
                  txn.db, "SELECT hash FROM block WHERE height = ?1",
                  [](Statement const& row) { return HashAt(row, 0); }, txn.height - 1));
  if (!parent) return Fail(Code::kIo, "ledger is damaged: no block {}", txn.height - 1);
  substrate::Header const header{.parent = *parent,
                                 .number = txn.height,
                                 .state_root = {},
                                 .extrinsics_root = ContentHash(txn.now, txn.extrinsic)};
  TRELLIS_CHECK(store::Run(txn.db, "INSERT INTO block VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                           txn.height, txn.now, substrate::HashOf(header), header.parent,
                           txn.extrinsic, txn.outcome, first_seq, last_seq));
  // Two for each new one: a shorter keep time takes effect step by step. The parent of the next
  // one stays, and the first of all.
  TRELLIS_CHECK(store::Run(txn.db,
                           "DELETE FROM block WHERE at < ?1 AND height < ?2 AND height IN (SELECT "
                           "height FROM block WHERE at > ?3 ORDER BY height LIMIT 2)",
                           txn.now - txn.keep_seconds, txn.height, kGenesisTime));
  return last_seq;
}

Result<Block> ReadBlock(store::Database& db, std::uint64_t height) {
  if (!std::in_range<std::int64_t>(height)) return Fail(Code::kNotFound, "no block {}", height);
  TRELLIS_TRY(auto block, store::One(db,
                                     "SELECT height, at, hash, parent, extrinsic, outcome, "
                                     "first_seq, last_seq FROM block WHERE height = ?1",
                                     BlockOf, height));
  if (!block) return Fail(Code::kNotFound, "no block {}", height);
  if (block->at == kGenesisTime) {
    TRELLIS_TRY(auto const root, store::One(db, "SELECT value FROM meta WHERE key = 'genesis_root'",
                                            [](Statement const& row) { return row.Text(0); }));
    TRELLIS_TRY(auto const parsed, Account::Parse(root.value_or("")));
    block->header = GenesisHeader(parsed);
  }
  return *std::move(block);
}

Result<std::uint64_t> FindBlock(store::Database& db, substrate::Hash const& hash) {
  TRELLIS_TRY(auto const height, store::One(
                                     db, "SELECT height FROM block WHERE hash = ?1",
                                     [](Statement const& row) { return row.Uint(0); }, hash));
  if (!height) return Fail(Code::kNotFound, "no block {}", crypto::Hex(hash));
  return *height;
}

Result<std::uint32_t> ReadNonce(store::Database& db, Account const& account) {
  TRELLIS_TRY(auto const next,
              store::One(
                  db, "SELECT next FROM nonce WHERE account = ?1",
                  [](Statement const& row) { return static_cast<std::uint32_t>(row.Uint(0)); },
                  account.ToString()));
  return next.value_or(0);
}

Result<void> WriteNonce(Txn& txn, Account const& account, std::uint32_t next) {
  return store::Run(txn.db, "REPLACE INTO nonce VALUES (?1, ?2)", account.ToString(), next);
}

}  // namespace trellis::ledger::embedded
