// Derivation paths of account keys, as substrate's tools write them: `//hard/soft//1`.
#pragma once

#include "kernel/crypto/keys.hpp"
#include "kernel/crypto/mnemonic.hpp"

#include <trellis/result.hpp>

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace trellis::crypto {

inline constexpr std::size_t kMaxPathBytes = 1024;

using ChainCode = std::array<std::uint8_t, 32>;

/// One step of a path. Soft steps exist for sr25519 only; they keep public keys derivable.
struct Junction {
  bool hard = false;
  ChainCode chain_code{};
  bool operator==(Junction const&) const = default;
};

/// The junctions of `//hard/soft…`; "" has none. Decimal texts up to 2^64-1 are numbers, everything
/// else is text. kInvalid: another form, an empty junction, more than kMaxPathBytes. Pure.
Result<std::vector<Junction>> ParsePath(std::string_view path);

/// The key at `path` below `parent`. kInvalid as ParsePath, and for a soft junction of an ed25519
/// key.
Result<Signer> Derive(Signer const& parent, std::string_view path);

/// A mnemonic or hex seed, maybe with hard junctions and `///password` behind it: `words…//Alice`.
/// A path without any words counts from the well-known development phrase. kInvalid: as
/// SeedFromText and ParsePath; a soft junction, because no seed stands for its key.
Result<Seed> SeedFromSecret(KeyType type, std::string_view secret);

}  // namespace trellis::crypto
