// The embedded ledger as a chain: blocks, storage, and extrinsics that change it.
#pragma once

#include "kernel/ledger/embedded/blocks.hpp"
#include "kernel/ledger/embedded/embedded_ledger.hpp"
#include "kernel/ledger/facade/dispatch.hpp"
#include "kernel/ledger/facade/outcome.hpp"
#include "kernel/ledger/facade/runtime.hpp"
#include "kernel/ledger/facade/storage.hpp"
#include "kernel/ledger/substrate/extrinsic.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace trellis::ledger::facade {

/// What every account shows as its balance: clients do not deploy without any. 10^7 make a token.
inline constexpr std::uint64_t kBalance = 10'000'000'000'000;

struct Included {
  substrate::Hash block{};
  std::uint64_t height = 0;
};

/// Safe for use by several threads. Errors: kUnavailable of the ledger, besides those named.
class Chain {
 public:
  /// Borrows the ledger. `admin_twins` may do what only admins may. `runtime`: null = built in.
  static Result<std::unique_ptr<Chain>> Make(EmbeddedLedger& ledger,
                                             std::vector<std::uint32_t> admin_twins,
                                             std::shared_ptr<Runtime const> runtime = nullptr);

  [[nodiscard]] Runtime const& runtime() const { return *runtime_; }
  [[nodiscard]] EmbeddedLedger& ledger() { return ledger_; }
  [[nodiscard]] substrate::Hash const& genesis() const { return genesis_; }

  Result<std::uint64_t> Height();
  /// kNotFound: not yet, or not kept any more.
  Result<embedded::Block> BlockAt(std::uint64_t height);
  Result<embedded::Block> BlockOf(substrate::Hash const& hash);
  /// What the block holds: when it was made, and what made it.
  Result<std::vector<crypto::Bytes>> ExtrinsicsOf(embedded::Block const& block);
  Result<std::uint32_t> NextNonce(Account const& account);

  /// The value of a storage key; empty: none, or the default. What the grid's tables hold is that
  /// of now, what the chain itself holds (events, number, time) that of the block `at`, or of the
  /// newest one. kNotFound: that block.
  Result<std::optional<crypto::Bytes>> Storage(crypto::BytesView key,
                                               std::optional<substrate::Hash> const& at);

  /// Checks and applies; durable when it returns. A call that the ledger refuses is included too,
  /// with an event that says so. kDecode, kUnsupported: not an extrinsic of this chain. kInvalid,
  /// kDenied: terms, signature or nonce do not fit; nothing changed.
  Result<Included> Submit(crypto::BytesView bytes);

 private:
  using Keys = std::vector<json::Value>;
  struct Item {
    enum class Own : std::uint8_t { kNone, kAccount, kNumber, kTime, kEvents };
    substrate::StorageItem const* definition = nullptr;  // borrowed from the runtime
    ReadItem read = nullptr;
    Own own = Own::kNone;
  };
  Chain(EmbeddedLedger& ledger, std::vector<std::uint32_t> admin_twins,
        std::shared_ptr<Runtime const> runtime, substrate::Hash genesis);

  void FillItems();
  Result<json::Value> Value(Item const& item, Keys const& keys,
                            std::optional<substrate::Hash> const& at);
  Result<json::Value> EventsOf(embedded::Block const& block);
  Result<void> CheckSignature(substrate::Extrinsic const& extrinsic);
  Result<void> Apply(embedded::Txn& txn, substrate::Extrinsic const& extrinsic,
                     Dispatch const& dispatch);
  Result<Outcome> Run(embedded::Txn& txn, Dispatch const& dispatch);
  Result<std::string> Attempt(embedded::Txn& txn, std::function<Result<void>()> const& work);

  EmbeddedLedger& ledger_;
  std::vector<std::uint32_t> admin_twins_;
  std::shared_ptr<Runtime const> runtime_;  // shared with whoever made another one
  substrate::Hash genesis_;
  std::map<crypto::Bytes, Item> items_;  // by storage prefix; fixed after Make
};

}  // namespace trellis::ledger::facade
