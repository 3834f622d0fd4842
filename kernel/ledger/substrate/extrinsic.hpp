// Signed extrinsics (version 4): how a call, its signer and the terms of the signature travel.
#pragma once

#include "kernel/crypto/hash.hpp"
#include "kernel/crypto/keys.hpp"
#include "kernel/ledger/substrate/scale.hpp"
#include "kernel/ledger/text_types.hpp"

#include <trellis/result.hpp>

#include <cstdint>

namespace trellis::ledger::substrate {

using Hash = crypto::Digest32;

inline constexpr std::size_t kMaxExtrinsic = std::size_t{512} << 10U;

/// How long a signature is good: for ever, or for `period` blocks from the last block at or before
/// the present one whose number is `phase` modulo the period.
struct Era {
  std::uint64_t period = 0;  ///< a power of two from 4 to 65536; 0 = immortal
  std::uint64_t phase = 0;

  [[nodiscard]] bool immortal() const { return period == 0; }
  /// The block the signature counts from, seen from block `now`.
  [[nodiscard]] std::uint64_t Birth(std::uint64_t now) const;
  /// A mortal era that begins at block `now`, `period` as above.
  static Era From(std::uint64_t now, std::uint64_t period);
};

/// What surrounds the call in what is signed.
struct Terms {
  Era era{};
  std::uint32_t nonce = 0;
  std::uint64_t tip = 0;
};

/// What both sides must agree on without sending it.
struct ChainTerms {
  std::uint32_t spec_version = 0;
  std::uint32_t tx_version = 0;
  Hash genesis{};
  Hash birth{};  ///< hash of the block of Era::Birth; the genesis for immortal ones
};

struct Extrinsic {
  Account signer{};
  crypto::KeyType key_type = crypto::KeyType::kSr25519;
  crypto::Signature signature{};
  Terms terms{};
  Bytes call{};
};

/// With the leading length. kDecode; kUnsupported: unsigned, another version, address or key kind.
Result<Extrinsic> DecodeExtrinsic(BytesView bytes);
Bytes EncodeExtrinsic(Extrinsic const& extrinsic);
/// The bytes that the signer signs.
Bytes SignedPayload(BytesView call, Terms const& terms, ChainTerms const& chain);

}  // namespace trellis::ledger::substrate
