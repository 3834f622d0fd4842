// Signing calls and getting them into a block.
#pragma once

#include "kernel/crypto/keys.hpp"
#include "kernel/ledger/tfchain/chain_reader.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <memory>
#include <mutex>
#include <vector>

namespace trellis::ledger::tfchain {

/// Safe for use by several threads. Borrows the reader.
class ChainWriter {
 public:
  explicit ChainWriter(ChainReader& reader) : reader_(reader) {}

  /// Signs the call (a value of the runtime's call type), sends it and waits until it is in a
  /// block; the events of this extrinsic, as values. Calls of one signer go one after the other.
  ///
  /// kUnavailable: it is not known whether it came into a block. kInvalid: the node refused it. A
  /// call that failed in its block gives its events, too.
  Result<std::vector<json::Value>> Submit(crypto::Signer const& signer, json::Value const& call);

 private:
  Result<std::uint32_t> NextNonce(crypto::Signer const& signer);
  Result<crypto::Bytes> Sign(ChainRuntime const& runtime, crypto::Signer const& signer,
                             crypto::Bytes call);
  Result<Hash> Include(crypto::Bytes const& extrinsic);
  Result<std::vector<json::Value>> EventsOf(crypto::Bytes const& extrinsic, Hash const& block);

  ChainReader& reader_;
  std::mutex turn_;  // one extrinsic at a time: its nonce is the account's next one
};

}  // namespace trellis::ledger::tfchain
