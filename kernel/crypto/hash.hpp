// Digests. All functions are pure and may be called on any thread.
#pragma once

#include "kernel/crypto/bytes.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>

namespace trellis::crypto {

using Md5Digest = std::array<std::uint8_t, 16>;
using Digest32 = std::array<std::uint8_t, 32>;
using Digest64 = std::array<std::uint8_t, 64>;

/// MD5: the grid's contract hash and challenge digest; not for anything new.
Md5Digest Md5(BytesView data);
/// Of the parts, one after the other.
Md5Digest Md5(std::initializer_list<BytesView> parts);
Digest32 Sha256(BytesView data);
Digest64 Sha512(BytesView data);
Digest32 Blake2b256(BytesView data);
Digest64 Blake2b512(BytesView data);

/// Bytes of the system's random generator.
void FillRandom(std::span<std::uint8_t> out);

}  // namespace trellis::crypto
