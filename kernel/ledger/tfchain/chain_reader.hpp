// Reading a chain through one of its nodes: runtime, storage, blocks, events.
#pragma once

#include "kernel/ledger/substrate/extrinsic.hpp"
#include "kernel/ledger/substrate/metadata.hpp"
#include "kernel/ledger/substrate/values.hpp"
#include "kernel/ledger/tfchain/rpc_client.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace trellis::ledger::tfchain {

using substrate::Hash;

/// One version of the chain's runtime. Never changes.
struct ChainRuntime {
  explicit ChainRuntime(substrate::Metadata read) : metadata(std::move(read)), codec(metadata) {}
  ChainRuntime(ChainRuntime const&) = delete;
  ChainRuntime& operator=(ChainRuntime const&) = delete;

  substrate::Metadata metadata;
  substrate::ValueCodec codec;  ///< borrows `metadata`
  std::uint32_t spec_version = 0;
  std::uint32_t tx_version = 0;
};
/// Shared by whoever still reads with a version while a newer one is fetched.
using RuntimePtr = std::shared_ptr<ChainRuntime const>;

struct BlockId {
  std::uint64_t number = 0;
  Hash hash{};
};

/// Safe for use by several threads. Errors: kUnavailable; kDecode: the node answered what the
/// runtime's types do not explain.
class ChainReader {
 public:
  /// Connects in the background; `finalized` is called with each newly final block's number.
  static Result<std::unique_ptr<ChainReader>> Start(RpcOptions options,
                                                    std::function<void(std::uint64_t)> finalized);

  RpcClient& rpc() { return *rpc_; }
  /// Of the newest block; fetched again after an upgrade. kUnsupported: a chain without what the
  /// grid needs.
  Result<RuntimePtr> Runtime();
  /// Of a block, where it may not be that of the newest one.
  Result<RuntimePtr> RuntimeAt(Hash const& block);
  /// kConflict when the node follows another chain than before.
  Result<Hash> Genesis();

  Result<BlockId> BestBlock();
  Result<BlockId> FinalizedBlock();
  /// kNotFound: not yet.
  Result<Hash> HashOf(std::uint64_t number);
  /// Number of a header.
  Result<std::uint64_t> NumberOf(Hash const& block);

  /// A storage value by the runtime's types; nothing when there is none and no default.
  Result<std::optional<json::Value>> Value(std::string_view pallet, std::string_view item,
                                           std::vector<json::Value> const& keys,
                                           std::optional<Hash> const& at = {});
  /// The event records of a block. kNotFound: the node does not keep that block's state.
  Result<json::Value> Events(ChainRuntime const& runtime, Hash const& block);
  /// The extrinsics of a block, as they were sent.
  Result<std::vector<crypto::Bytes>> Extrinsics(Hash const& block);

 private:
  ChainReader() = default;
  Result<json::Value> FetchRuntimeVersion(std::optional<Hash> const& at);
  Result<std::optional<json::Value>> ReadValue(ChainRuntime const& runtime, std::string_view pallet,
                                               std::string_view item,
                                               std::vector<json::Value> const& keys,
                                               std::optional<Hash> const& at);
  Result<RuntimePtr> FetchRuntime(json::Value const& version, std::optional<Hash> const& at);
  Result<BlockId> ReadHeader(std::optional<Hash> const& at);

  std::atomic<std::uint32_t> newest_spec_ = 0;  // as the node last told; 0 = ask it
  std::mutex mutex_;                            // guards what follows; never held over a call
  RuntimePtr runtime_;
  RuntimePtr older_;  // of the last RuntimeAt that was not the newest
  std::optional<Hash> genesis_;
  std::unique_ptr<RpcClient> rpc_;  // calls back until it is gone
};

}  // namespace trellis::ledger::tfchain
