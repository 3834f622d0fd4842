// The chain's hashers for storage keys.
#pragma once

#include "kernel/crypto/bytes.hpp"

#include <array>
#include <cstdint>

namespace trellis::ledger::substrate {

using Hash16 = std::array<std::uint8_t, 16>;

/// xxHash with 64 bits. Not cryptographic.
std::uint64_t Xxh64(crypto::BytesView data, std::uint64_t seed);
/// Two xxHashes, seeds 0 and 1, little endian.
Hash16 Twox128(crypto::BytesView data);
/// One xxHash, seed 0, little endian.
std::array<std::uint8_t, 8> Twox64(crypto::BytesView data);
/// BLAKE2b with 16 bytes of output.
Hash16 Blake2b128(crypto::BytesView data);

}  // namespace trellis::ledger::substrate
